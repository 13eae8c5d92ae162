/** Since which kernel and which liburing each name of io_uring exists: the one source for findings and hovers. */
import { parseVersion, type Version } from '../target';

export interface Since {
  /** the first kernel that supports it */
  kernel: Version;
  /** the first liburing whose headers have it; absent where that is not recorded */
  liburing?: Version;
}

/** First kernel, first liburing (`-`: not recorded), and the names without their prefix. */
type Rows = readonly (readonly [kernel: string, liburing: string, names: string])[];

/** `IORING_OP_*`; a header may have had the number before or after the kernel did the work. */
const OPCODES: Rows = [
  ['5.1', '-', 'NOP READV WRITEV FSYNC READ_FIXED WRITE_FIXED POLL_ADD POLL_REMOVE'],
  ['5.2', '-', 'SYNC_FILE_RANGE'],
  ['5.3', '-', 'SENDMSG RECVMSG'],
  ['5.4', '-', 'TIMEOUT'],
  ['5.5', '-', 'TIMEOUT_REMOVE ACCEPT ASYNC_CANCEL LINK_TIMEOUT CONNECT'],
  ['5.6', '-', 'FALLOCATE OPENAT CLOSE FILES_UPDATE STATX READ WRITE FADVISE MADVISE SEND RECV OPENAT2 EPOLL_CTL'],
  ['5.7', '-', 'SPLICE PROVIDE_BUFFERS REMOVE_BUFFERS'],
  ['5.8', '-', 'TEE'],
  ['5.11', '-', 'SHUTDOWN RENAMEAT UNLINKAT'],
  ['5.15', '-', 'MKDIRAT SYMLINKAT LINKAT'],
  ['5.18', '-', 'MSG_RING'],
  ['5.19', '-', 'FSETXATTR SETXATTR FGETXATTR GETXATTR SOCKET URING_CMD'],
  ['6.0', '-', 'SEND_ZC'],
  ['6.1', '-', 'SENDMSG_ZC'],
  ['6.7', '-', 'READ_MULTISHOT WAITID FUTEX_WAIT FUTEX_WAKE FUTEX_WAITV'],
  ['6.8', '-', 'FIXED_FD_INSTALL'],
  ['6.9', '-', 'FTRUNCATE'],
  ['6.11', '-', 'BIND LISTEN'],
  ['6.15', '-', 'RECV_ZC EPOLL_WAIT READV_FIXED WRITEV_FIXED'],
  ['6.16', '-', 'PIPE'],
  ['6.19', '-', 'NOP128 URING_CMD128'],
];

/** `io_uring_prep_*` */
const PREPARATIONS: Rows = [
  ['5.1', '0.1', 'nop readv writev fsync read_fixed write_fixed poll_add poll_remove'],
  ['5.1', '2.2', 'readv2 writev2'],
  ['5.2', '2.0', 'sync_file_range'],
  ['5.3', '0.2', 'sendmsg recvmsg'],
  ['5.4', '0.2', 'timeout'],
  ['5.5', '0.2', 'timeout_remove accept'],
  ['5.5', '0.3', 'cancel link_timeout connect'],
  ['5.5', '2.2', 'cancel64'],
  ['5.6', '0.3', 'fallocate openat close files_update statx'],
  ['5.6', '0.4', 'read write fadvise madvise send recv openat2 epoll_ctl'],
  ['5.6', '2.4', 'sendto'],
  ['5.6', '2.7', 'fadvise64 madvise64'],
  ['5.6', '2.8', 'open'],
  ['5.7', '0.6', 'splice provide_buffers remove_buffers'],
  ['5.8', '2.0', 'tee'],
  ['5.11', '2.0', 'timeout_update shutdown renameat unlinkat'],
  ['5.11', '2.2', 'rename unlink'],
  ['5.13', '2.1', 'poll_multishot poll_update'],
  ['5.15', '2.1', 'accept_direct openat_direct openat2_direct mkdirat symlinkat linkat'],
  ['5.15', '2.2', 'close_direct mkdir symlink link'],
  ['5.15', '2.8', 'open_direct'],
  ['5.18', '2.2', 'msg_ring'],
  ['5.19', '2.2', 'multishot_accept multishot_accept_direct cancel_fd fsetxattr setxattr fgetxattr getxattr socket socket_direct socket_direct_alloc'],
  ['5.19', '2.13', 'uring_cmd'],
  ['6.0', '2.3', 'recvmsg_multishot recv_multishot send_zc send_zc_fixed'],
  ['6.0', '2.4', 'msg_ring_fd msg_ring_fd_alloc'],
  ['6.1', '2.3', 'sendmsg_zc'],
  ['6.1', '2.10', 'sendmsg_zc_fixed'],
  ['6.3', '2.4', 'msg_ring_cqe_flags'],
  ['6.6', '2.5', 'cmd_sock'],
  ['6.7', '2.6', 'read_multishot waitid futex_wait futex_wake futex_waitv'],
  ['6.8', '2.6', 'fixed_fd_install'],
  ['6.9', '2.6', 'ftruncate'],
  ['6.10', '2.7', 'send_bundle'],
  ['6.11', '2.7', 'bind listen'],
  ['6.12', '2.8', 'cmd_discard'],
  ['6.15', '2.10', 'epoll_wait readv_fixed writev_fixed'],
  ['6.16', '2.12', 'pipe pipe_direct'],
  ['6.19', '2.13', 'cmd_getsockname nop128 uring_cmd128'],
];

/** `io_uring_*` beside the preparations */
const FUNCTIONS: Rows = [
  ['5.1', '0.1', 'queue_init queue_exit queue_mmap get_sqe submit submit_and_wait wait_cqe peek_cqe cqe_seen cq_advance for_each_cqe sqe_set_data sqe_set_flags cqe_get_data prep_rw'],
  ['5.1', '0.1', 'register_buffers unregister_buffers register_files unregister_files'],
  ['5.1', '0.2', 'queue_init_params wait_cqes wait_cqe_timeout peek_batch_cqe cq_ready sq_space_left'],
  ['5.1', '0.3', 'wait_cqe_nr sq_ready'],
  ['5.1', '0.4', 'ring_dontfork'],
  ['5.1', '0.7', 'cq_eventfd_enabled'],
  ['5.1', '2.1', 'mlock_size mlock_size_params'],
  ['5.1', '2.2', 'sqe_set_data64 cqe_get_data64 submit_and_wait_timeout'],
  ['5.1', '2.3', 'get_events submit_and_get_events enter enter2 setup register'],
  ['5.1', '2.4', 'check_version major_version minor_version'],
  ['5.1', '2.6', 'initialize_sqe'],
  ['5.1', '2.9', 'sqe_set_buf_group'],
  ['5.1', '2.11', 'memory_size memory_size_params'],
  ['5.1', '2.13', 'cqe_nr'],
  ['5.2', '0.1', 'register_eventfd unregister_eventfd'],
  ['5.5', '0.2', 'register_files_update'],
  ['5.6', '0.4', 'register_probe get_probe get_probe_ring opcode_supported register_personality unregister_personality'],
  ['5.6', '0.6', 'register_eventfd_async'],
  ['5.6', '2.0', 'free_probe'],
  ['5.8', '0.7', 'cq_eventfd_toggle'],
  ['5.8', '2.3', 'cq_has_overflow'],
  ['5.10', '2.0', 'sqring_wait register_restrictions enable_rings'],
  ['5.13', '2.1', 'register_files_tags register_files_update_tag register_buffers_tags register_buffers_update_tag'],
  ['5.14', '2.1', 'register_iowq_aff unregister_iowq_aff'],
  ['5.15', '2.1', 'register_iowq_max_workers'],
  ['5.18', '2.2', 'register_ring_fd unregister_ring_fd'],
  ['5.19', '2.2', 'register_files_sparse register_buffers_sparse register_buf_ring unregister_buf_ring buf_ring_init buf_ring_add buf_ring_advance buf_ring_cq_advance buf_ring_mask'],
  ['5.19', '2.4', 'setup_buf_ring free_buf_ring'],
  ['6.0', '2.3', 'register_sync_cancel register_file_alloc_range recvmsg_out recvmsg_name recvmsg_payload recvmsg_payload_length recvmsg_validate recvmsg_cmsg_firsthdr recvmsg_cmsg_nexthdr prep_send_set_addr'],
  ['6.3', '2.4', 'close_ring_fd'],
  ['6.5', '2.5', 'queue_init_mem'],
  ['6.8', '2.6', 'buf_ring_head buf_ring_available'],
  ['6.9', '2.6', 'register_napi unregister_napi'],
  ['6.12', '2.8', 'submit_and_wait_min_timeout wait_cqes_min_timeout register_clock clone_buffers'],
  ['6.13', '2.9', 'submit_and_wait_reg clone_buffers_offset resize_rings register_region register_wait_reg'],
  ['6.13', '2.12', 'register_sync_msg'],
  ['6.15', '2.10', 'set_iowait register_ifq'],
  ['6.18', '2.15', 'register_query'],
  ['6.19', '2.13', 'get_sqe128'],
  ['6.19', '2.15', 'register_zcrx_ctrl'],
  ['7.0', '2.15', 'register_bpf_filter register_bpf_filter_task'],
];

/** `IOSQE_*` */
const SQE_FLAGS: Rows = [
  ['5.1', '0.1', 'FIXED_FILE'],
  ['5.2', '0.1', 'IO_DRAIN'],
  ['5.3', '0.1', 'IO_LINK'],
  ['5.5', '0.3', 'IO_HARDLINK'],
  ['5.6', '0.3', 'ASYNC'],
  ['5.7', '0.6', 'BUFFER_SELECT'],
  ['5.17', '2.2', 'CQE_SKIP_SUCCESS'],
];

/** `IORING_*` flags of single requests */
const REQUEST_FLAGS: Rows = [
  ['5.5', '0.2', 'TIMEOUT_ABS'],
  ['5.11', '2.0', 'TIMEOUT_UPDATE'],
  ['5.13', '2.1', 'POLL_ADD_MULTI POLL_UPDATE_EVENTS POLL_UPDATE_USER_DATA'],
  ['5.15', '2.1', 'TIMEOUT_BOOTTIME TIMEOUT_REALTIME LINK_TIMEOUT_UPDATE'],
  ['5.16', '2.2', 'TIMEOUT_ETIME_SUCCESS'],
  ['5.19', '2.2', 'FILE_INDEX_ALLOC ACCEPT_MULTISHOT ASYNC_CANCEL_ALL ASYNC_CANCEL_FD ASYNC_CANCEL_ANY RECVSEND_POLL_FIRST'],
  ['6.0', '2.3', 'POLL_ADD_LEVEL RECV_MULTISHOT ASYNC_CANCEL_FD_FIXED RECVSEND_FIXED_BUF MSG_SEND_FD'],
  ['6.2', '2.4', 'SEND_ZC_REPORT_USAGE'],
  ['6.3', '2.4', 'MSG_RING_FLAGS_PASS'],
  ['6.4', '2.4', 'TIMEOUT_MULTISHOT'],
  ['6.6', '2.8', 'ASYNC_CANCEL_USERDATA ASYNC_CANCEL_OP'],
  ['6.10', '2.7', 'ACCEPT_DONTWAIT ACCEPT_POLL_FIRST RECVSEND_BUNDLE NOP_INJECT_RESULT'],
  ['6.17', '2.12', 'SEND_VECTORIZED'],
  ['7.1', '2.15', 'TIMEOUT_IMMEDIATE_ARG'],
];

/** `IORING_CQE_F_*` */
const CQE_FLAGS: Rows = [
  ['5.7', '0.6', 'BUFFER'],
  ['5.13', '2.1', 'MORE'],
  ['5.19', '2.2', 'SOCK_NONEMPTY'],
  ['6.0', '2.3', 'NOTIF'],
  ['6.12', '2.8', 'BUF_MORE'],
  ['6.18', '2.13', '32 SKIP'],
];

/** `IORING_SETUP_*` */
const SETUP_FLAGS: Rows = [
  ['5.1', '0.1', 'IOPOLL SQPOLL SQ_AFF'],
  ['5.5', '0.2', 'CQSIZE'],
  ['5.6', '0.4', 'CLAMP ATTACH_WQ'],
  ['5.10', '2.0', 'R_DISABLED'],
  ['5.18', '2.2', 'SUBMIT_ALL'],
  ['5.19', '2.2', 'COOP_TASKRUN TASKRUN_FLAG SQE128 CQE32'],
  ['6.0', '2.3', 'SINGLE_ISSUER'],
  ['6.1', '2.3', 'DEFER_TASKRUN'],
  ['6.5', '2.5', 'NO_MMAP REGISTERED_FD_ONLY'],
  ['6.6', '2.6', 'NO_SQARRAY'],
  ['6.13', '2.9', 'HYBRID_IOPOLL'],
  ['6.18', '2.13', 'CQE_MIXED'],
  ['6.19', '2.13', 'SQE_MIXED'],
  ['7.0', '2.14', 'SQ_REWIND'],
];

/** `IORING_ENTER_*`, `IORING_FEAT_*` and the status bits in the shared rings */
const RING_FLAGS: Rows = [
  ['5.1', '0.1', 'ENTER_GETEVENTS ENTER_SQ_WAKEUP SQ_NEED_WAKEUP'],
  ['5.4', '0.2', 'FEAT_SINGLE_MMAP'],
  ['5.5', '0.3', 'FEAT_NODROP FEAT_SUBMIT_STABLE'],
  ['5.6', '0.4', 'FEAT_RW_CUR_POS FEAT_CUR_PERSONALITY'],
  ['5.7', '0.6', 'FEAT_FAST_POLL'],
  ['5.8', '0.7', 'SQ_CQ_OVERFLOW CQ_EVENTFD_DISABLED'],
  ['5.9', '0.7', 'FEAT_POLL_32BITS'],
  ['5.10', '2.0', 'ENTER_SQ_WAIT'],
  ['5.11', '2.0', 'ENTER_EXT_ARG FEAT_SQPOLL_NONFIXED FEAT_EXT_ARG'],
  ['5.12', '2.0', 'FEAT_NATIVE_WORKERS'],
  ['5.13', '2.1', 'FEAT_RSRC_TAGS'],
  ['5.17', '2.2', 'FEAT_CQE_SKIP FEAT_LINKED_FILE'],
  ['5.18', '2.2', 'ENTER_REGISTERED_RING'],
  ['5.19', '2.2', 'SQ_TASKRUN'],
  ['6.3', '2.4', 'FEAT_REG_REG_RING'],
  ['6.10', '2.7', 'FEAT_RECVSEND_BUNDLE'],
  ['6.12', '2.8', 'ENTER_ABS_TIMER FEAT_MIN_TIMEOUT'],
  ['6.13', '2.9', 'ENTER_EXT_ARG_REG'],
  ['6.14', '2.10', 'FEAT_RW_ATTR'],
  ['6.15', '2.10', 'ENTER_NO_IOWAIT FEAT_NO_IOWAIT'],
];

/** `IORING_REGISTER_*` and their counterparts */
const REGISTRATIONS: Rows = [
  ['5.1', '-', 'REGISTER_BUFFERS UNREGISTER_BUFFERS REGISTER_FILES UNREGISTER_FILES'],
  ['5.2', '-', 'REGISTER_EVENTFD UNREGISTER_EVENTFD'],
  ['5.5', '-', 'REGISTER_FILES_UPDATE'],
  ['5.6', '-', 'REGISTER_EVENTFD_ASYNC REGISTER_PROBE REGISTER_PERSONALITY UNREGISTER_PERSONALITY'],
  ['5.10', '-', 'REGISTER_RESTRICTIONS REGISTER_ENABLE_RINGS'],
  ['5.13', '-', 'REGISTER_FILES2 REGISTER_FILES_UPDATE2 REGISTER_BUFFERS2 REGISTER_BUFFERS_UPDATE'],
  ['5.14', '-', 'REGISTER_IOWQ_AFF UNREGISTER_IOWQ_AFF'],
  ['5.15', '-', 'REGISTER_IOWQ_MAX_WORKERS'],
  ['5.18', '-', 'REGISTER_RING_FDS UNREGISTER_RING_FDS'],
  ['5.19', '-', 'REGISTER_PBUF_RING UNREGISTER_PBUF_RING'],
  ['6.0', '-', 'REGISTER_SYNC_CANCEL REGISTER_FILE_ALLOC_RANGE'],
  ['6.3', '-', 'REGISTER_USE_REGISTERED_RING'],
  ['6.8', '-', 'REGISTER_PBUF_STATUS'],
  ['6.9', '-', 'REGISTER_NAPI UNREGISTER_NAPI'],
  ['6.12', '-', 'REGISTER_CLOCK REGISTER_CLONE_BUFFERS'],
  ['6.13', '-', 'REGISTER_SEND_MSG_RING REGISTER_RESIZE_RINGS REGISTER_MEM_REGION'],
  ['6.15', '-', 'REGISTER_ZCRX_IFQ'],
  ['6.18', '-', 'REGISTER_QUERY'],
  ['6.19', '-', 'REGISTER_ZCRX_CTRL'],
  ['7.0', '-', 'REGISTER_BPF_FILTER'],
];

/** Commands of sockets, and flags of registrations */
const OTHERS: Rows = [
  ['5.12', '2.0', 'IORING_REGISTER_FILES_SKIP'],
  ['6.4', '2.4', 'IOU_PBUF_RING_MMAP'],
  ['6.6', '2.5', 'SOCKET_URING_OP_SIOCINQ SOCKET_URING_OP_SIOCOUTQ'],
  ['6.7', '2.6', 'SOCKET_URING_OP_GETSOCKOPT SOCKET_URING_OP_SETSOCKOPT'],
  ['6.12', '2.8', 'IOU_PBUF_RING_INC'],
  ['6.13', '2.9', 'IORING_REGISTER_DST_REPLACE'],
  ['6.17', '2.12', 'SOCKET_URING_OP_TX_TIMESTAMP'],
  ['6.19', '2.13', 'SOCKET_URING_OP_GETSOCKNAME'],
];

const SINCE: ReadonlyMap<string, Since> = new Map([
  ...expand('IORING_OP_', OPCODES), ...expand('io_uring_prep_', PREPARATIONS), ...expand('io_uring_', FUNCTIONS), ...expand('IOSQE_', SQE_FLAGS),
  ...expand('IORING_', REQUEST_FLAGS), ...expand('IORING_CQE_F_', CQE_FLAGS), ...expand('IORING_SETUP_', SETUP_FLAGS), ...expand('IORING_', RING_FLAGS),
  ...expand('IORING_', REGISTRATIONS), ...expand('', OTHERS), ...expand('', [['5.1', '2.4', 'IO_URING_CHECK_VERSION'], ['5.19', '2.4', '__io_uring_buf_ring_cq_advance']]),
]);
function* expand(prefix: string, rows: Rows): Generator<[string, Since]> {
  for (const [kernel, liburing, names] of rows) {
    const since: Since = { kernel: parseVersion(kernel)!, ...(liburing === '-' ? {} : { liburing: parseVersion(liburing)! }) };
    for (const name of names.split(' ')) yield [prefix + name, since];
  }
}

/** Undefined for names that are not in the table. */
export function since(name: string): Since | undefined {
  return SINCE.get(name);
}
export function sinceKernel(name: string): Version | undefined {
  return SINCE.get(name)?.kernel;
}
export function sinceLiburing(name: string): Version | undefined {
  return SINCE.get(name)?.liburing;
}

/** What changed for every program, by kernel. */
export const KERNEL = {
  /** input structures need to live only until the submission, unless SQPOLL */
  submitStable: parseVersion('5.5')!,
  /** SQPOLL works with plain descriptors */
  sqpollPlainFds: parseVersion('5.11')!,
  /** SQPOLL needs no privilege */
  sqpollUnprivileged: parseVersion('5.13')!,
  /** waiting with a timeout needs no request of its own */
  extArg: parseVersion('5.11')!,
} as const;
