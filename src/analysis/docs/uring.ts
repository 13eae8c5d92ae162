/** What a name of liburing or of the kernel's header says, put together from the tables of this folder. */
import type { ApiDoc, Docs } from './api-doc';
import { URING_FIELDS } from './fields';
import { CALLS } from './uring-calls';
import { CQE_FLAGS, REQUEST_FLAGS, RING_FLAGS, SETUP_FLAGS, SQE_FLAGS, TYPES } from './uring-flags';
import { PREPARATIONS } from './uring-preps';

const CONSTANTS: Docs = { ...SETUP_FLAGS, ...SQE_FLAGS, ...CQE_FLAGS, ...RING_FLAGS, ...REQUEST_FLAGS };

/** Opcodes whose preparation has another name. */
const OPCODE_PREPARATIONS: Record<string, string> = { async_cancel: 'cancel' };
/** Registrations whose call has another name. */
const REGISTRATIONS: Record<string, string> = {
  register_files2: 'register_files_tags', register_files_update2: 'register_files_update_tag', register_buffers2: 'register_buffers_tags', register_buffers_update: 'register_buffers_update_tag',
  register_enable_rings: 'enable_rings', register_ring_fds: 'register_ring_fd', unregister_ring_fds: 'unregister_ring_fd', register_pbuf_ring: 'register_buf_ring', unregister_pbuf_ring: 'unregister_buf_ring',
  register_pbuf_status: 'buf_ring_head', register_clone_buffers: 'clone_buffers', register_send_msg_ring: 'register_sync_msg', register_zcrx_ifq: 'register_ifq', register_resize_rings: 'resize_rings', register_mem_region: 'register_region',
};
/** Internal helpers that programs use all the same, and macros. */
const OTHERS: Docs = {
  __io_uring_get_cqe: { does: 'Waits for cqes: what the waiting calls are made of.' },
  __io_uring_peek_cqe: { does: 'Gives the next cqe if there is one: what `io_uring_peek_cqe` is made of.' },
  __io_uring_prep_poll_mask: { does: 'Orders the bytes of poll events.' },
  __io_uring_set_target_fixed_file: { does: 'Names the registered slot that a request fills.' },
  __io_uring_sqring_wait: { does: 'Waits until the SQPOLL thread has made room.', blocks: 'Until an sqe is free.' },
  __io_uring_buf_ring_cq_advance: { does: 'Shows the kernel new buffers and takes another number of cqes off.' },
  IO_URING_CHECK_VERSION: { does: 'Whether the library\'s headers are older than a version.' },
  IO_URING_VERSION_MAJOR: { does: 'The major version of the library\'s headers.' },
  IO_URING_VERSION_MINOR: { does: 'The minor version of the library\'s headers.' },
  IORING_OP_LAST: { does: 'One past the newest opcode that the header knows.' },
};

/** The text for `io_uring_prep_*`, by what follows that prefix. */
export function preparationDoc(name: string): ApiDoc | undefined {
  return own(PREPARATIONS, name);
}

export function uringDoc(name: string): ApiDoc | undefined {
  const part = (pattern: RegExp): string | undefined => pattern.exec(name)?.[1]?.toLowerCase();
  const opcode = part(/^IORING_OP_(\w+)$/);
  const registration = part(/^IORING_((?:UN)?REGISTER_\w+)$/);
  const bit = /^(IOSQE_\w+)_BIT$/.exec(name)?.[1];
  return own(CONSTANTS, name) ?? own(OTHERS, name) ?? own(TYPES, name) ?? own(URING_FIELDS, name)
    ?? own(PREPARATIONS, opcode === undefined ? undefined : OPCODE_PREPARATIONS[opcode] ?? opcode)
    ?? own(CALLS, registration === undefined ? undefined : REGISTRATIONS[registration] ?? registration)
    ?? own(SQE_FLAGS, bit)
    ?? own(PREPARATIONS, part(/^io_uring_prep_(\w+)$/))
    ?? own(CALLS, part(/^io_uring_(\w+)$/));
}

function own(docs: Docs, name: string | undefined): ApiDoc | undefined {
  return name !== undefined && Object.hasOwn(docs, name) ? docs[name] : undefined;
}
