/** Rust: programs that end when no ring can be made. */
import { fateOf, hasAttribute } from '../../idioms/rust-code';
import { allSetUps } from '../../idioms/rust-uring';
import { placeOf, type SourceFile } from '../../source-file';
import type { Draft } from '../rule';

/** Another way is known, or the reader is told what to do. */
const KNOWS = /\bE(?:PERM|NOSYS|NOMEM|INVAL)\b|PermissionDenied|Unsupported|(?<!-)fallback|epoll|\bmio::|spawn_blocking|thread_?pool|seccomp|io_uring_disabled|sysctl|kernel/i;

export function initInRust(file: SourceFile, report: (draft: Draft) => void): void {
  // a library leaves the choice to whoever uses it
  if (!file.facts.functions.some((f) => f.name === 'main' && !f.owner) || KNOWS.test(file.text)) return;
  for (const s of allSetUps(file)) {
    const fate = fateOf(s.func, s.at);
    if (typeof fate === 'string' || !/^(?:unwrap|expect)$/.test(fate.method.name) || hasAttribute(s.func, /\btest\b/)) continue;
    report({
      at: placeOf(s.func, s.at),
      message: 'Without a ring this program ends, and rings are refused in many places: containers and kernel.io_uring_disabled (EPERM), older kernels (ENOSYS, EINVAL), little locked memory (ENOMEM). Have another way, or say what is missing.',
    });
  }
}
