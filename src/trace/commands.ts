/** Commands of URING_CMD (`cmd_op` of the sqe), which mean what the file's driver says. */

/** Numbers that hold who they are for, as ioctls' do: those of NVMe, ublk and block devices, as of Linux 7.0. */
const COMMANDS = new Map([
  [0xc0484e80, 'NVME_URING_CMD_IO'], [0xc0484e81, 'NVME_URING_CMD_IO_VEC'], [0xc0484e82, 'NVME_URING_CMD_ADMIN'], [0xc0484e83, 'NVME_URING_CMD_ADMIN_VEC'],
  [0xc0107520, 'UBLK_U_IO_FETCH_REQ'], [0xc0107521, 'UBLK_U_IO_COMMIT_AND_FETCH_REQ'], [0xc0107522, 'UBLK_U_IO_NEED_GET_DATA'],
  [0x1200, 'BLOCK_URING_CMD_DISCARD'],
]);
/** SOCKET_URING_OP_*: small numbers, which other drivers use too. */
const SOCKET_COMMANDS = ['SIOCINQ', 'SIOCOUTQ', 'GETSOCKOPT', 'SETSOCKOPT', 'TX_TIMESTAMP', 'GETSOCKNAME'];

/** Whether an operation of io_uring carries a driver's command in place of an offset. */
export function isCommand(api: string, op: string): boolean {
  return api === 'io_uring' && op.startsWith('URING_CMD');
}

/**
 * A command in words, like `NVME_URING_CMD_IO (0xc0484e80)`; the bare number where it is not known.
 * @param path what the descriptor is open on, '' unknown
 */
export function commandWords(command: bigint, path: string): string {
  if (command < 0n) return '';
  const number = `0x${command.toString(16)}`;
  const name = COMMANDS.get(Number(command)) ?? (path.startsWith('socket:') ? SOCKET_COMMANDS[Number(command)]?.replace(/^/, 'SOCKET_URING_OP_') : undefined);
  return name ? `${name} (${number})` : number;
}
