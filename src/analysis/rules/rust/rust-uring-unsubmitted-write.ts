import { statements, walkFunction, type Call, type Func } from '../../model';
import { rustTypes } from '../../usage/rust-types';
import { placeOf } from '../../source-file';
import { insertion, type Rule } from '../rule';

/** Methods that only build an operation, by the type they belong to. */
const UNSUBMITTED: Record<string, string[]> = {
  'tokio_uring::fs::File': ['write_at'],
  'tokio_uring::net::TcpStream': ['write'],
  'tokio_uring::net::UnixStream': ['write'],
  'tokio_uring::net::UdpSocket': ['write'],
};

export const rustUringUnsubmittedWrite: Rule = {
  info: {
    id: 'rust-uring-unsubmitted-write', languages: ['rust'], severity: 'error', confidence: 'certain',
    summary: 'A tokio-uring write is built and dropped without submit(): nothing is written.',
  },
  why: 'In tokio-uring `write_at` and `write` return an operation that is no future and not `#[must_use]`. Until `.submit()` is called nothing reaches the kernel.',
  families: ['tokio-uring'],
  checkFile(file, report) {
    const types = rustTypes(file.facts);
    for (const func of file.program.functions(/\.\s*write(?:_at)?\s*\(/)) {
      if (func.damaged) continue;
      for (const call of walkFunction(func)) {
        if (call.kind !== 'call' || call.callee.kind !== 'member' || !/^write(?:_at)?$/.test(call.name)) continue;
        const dropped = call.discarded === 'statement' || droppedVariable(func, call);
        const type = dropped ? types.typeOf(call.callee.object, func) : undefined;
        if (!type || !UNSUBMITTED[type]?.includes(call.name)) continue;
        report({
          at: placeOf(func, { span: call.nameSpan }),
          message: `${type.replace(/^.*::/, '')}::${call.name}() only builds the operation; it is dropped here without submit(), so nothing is written.`,
          fixes: call.discarded && func.async
            ? [{ title: 'Append .submit().await', edits: [insertion(func, call.span.end, '.submit().await')], safe: false }] : [],
        });
      }
    }
  },
};

/** `let op = file.write_at(…);` or `let _ = …`, and never a word of it again. */
function droppedVariable(func: Func, call: Call): boolean {
  for (const s of statements(func.body)) {
    if (s.kind !== 'declare' || s.init !== call) continue;
    if (s.pattern) return s.pattern.length === 1 && s.pattern[0] === '_';
    return !mentioned(func, s.local.id);
  }
  return false;
}
function mentioned(func: Func, id: string): boolean {
  for (const e of walkFunction(func)) if (e.kind === 'name' && e.id === id) return true;
  return func.inner.some((f) => mentioned(f, id));
}

