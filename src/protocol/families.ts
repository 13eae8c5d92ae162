/** The API families by the names people use, and the phase each one's operations belong to. */
import type { Surface } from './analysis';

/** How an operation gets done while the program goes on. */
export const PHASES = ['posix-aio-emulation', 'libaio', 'io_uring', 'readiness', 'thread-pool', 'direct-io'] as const;
export type Phase = (typeof PHASES)[number];

export const PHASE_LABELS: Record<Phase, string> = {
  'posix-aio-emulation': 'POSIX AIO emulation: threads of the C library',
  libaio: 'libaio: asynchronous with O_DIRECT',
  io_uring: 'io_uring',
  readiness: 'readiness',
  'thread-pool': 'thread pool',
  'direct-io': 'past the page cache',
};

interface FamilyInfo { label: string; phase: Phase }

/** In the order in which they are listed. */
export const FAMILY_INFO: Record<Surface, FamilyInfo> = {
  liburing: { label: 'liburing', phase: 'io_uring' },
  'raw-io-uring': { label: 'io_uring system calls', phase: 'io_uring' },
  'tokio-uring': { label: 'tokio-uring', phase: 'io_uring' },
  'io-uring-crate': { label: 'io-uring crate', phase: 'io_uring' },
  monoio: { label: 'monoio', phase: 'io_uring' },
  glommio: { label: 'glommio', phase: 'io_uring' },
  compio: { label: 'compio', phase: 'io_uring' },
  libaio: { label: 'libaio', phase: 'libaio' },
  'raw-aio': { label: 'Linux AIO system calls', phase: 'libaio' },
  'posix-aio': { label: 'POSIX AIO', phase: 'posix-aio-emulation' },
  tokio: { label: 'tokio', phase: 'readiness' },
  epoll: { label: 'epoll', phase: 'readiness' },
  readiness: { label: 'poll, eventfd, timerfd', phase: 'readiness' },
  'direct-io': { label: 'Direct I/O', phase: 'direct-io' },
};
export const SURFACES = Object.keys(FAMILY_INFO) as Surface[];

/** tokio does files on threads, and everything else by readiness. */
const TOKIO_THREADS = /^tokio::fs(?:::|$)|(?:^|::)spawn_blocking$/;

/** The phase of one use of an API. */
export function phaseOf(family: Surface, api: string): Phase {
  return family === 'tokio' && TOKIO_THREADS.test(api) ? 'thread-pool' : FAMILY_INFO[family].phase;
}
