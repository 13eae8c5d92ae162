import { eventOf } from '../../idioms/paths';
import { callsOn, endBehind, ownHandles, statementBehind, type Handle } from '../../idioms/rust-handles';
import type { Call } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Rule } from '../rule';

const WRITTEN = /^(?:write|write_all|write_buf|write_all_buf|write_vectored|write_[iuf](?:8|16|32|64|128)(?:_le)?|tokio::io::copy(?:_buf)?)$/;
const SETTLED = /^(?:flush|sync_all|sync_data|shutdown|into_std|set_len|seek|rewind)$/;
const LENT_TO = /^(?:copy|copy_buf)$/;

export const rustTokioFsMissingFlush: Rule = {
  info: {
    id: 'rust-tokio-fs-missing-flush', languages: ['rust'], severity: 'warning', confidence: 'likely', cleanup: true,
    summary: 'A tokio file is dropped behind its last write without flush(): the write may be lost, and its error is.',
  },
  why: 'A write to a tokio::fs::File returns when the data was handed to the thread pool. Without flush(), sync_all() or shutdown() behind it the last write may still be running, or fail unseen, when the file is dropped.',
  families: ['tokio'],
  checkFile(file, report) {
    for (const func of file.program.functions(/\.\s*write\w*\s*\(|\bcopy(?:_buf)?\s*\(/)) {
      if (func.damaged || !func.async) continue;
      const handles = ownHandles(file, func, /^tokio::(?:fs::File|io::BufWriter)$/, LENT_TO);
      const flow = handles.length ? file.program.flow(func) : undefined;
      if (!flow) continue;
      for (const h of handles) {
        const calls = callsOn(file, h);
        const writes = calls.filter((c) => WRITTEN.test(c.name));
        const stops = new Set(calls.filter((c) => SETTLED.test(c.name) || WRITTEN.test(c.name)).map((c) => c.call));
        for (const { call } of writes) {
          const from = eventOf(flow, call);
          const end = from && endBehind(flow, h, from, (c) => stops.has(c), (c) => isEnd(h, c));
          if (!end) continue;
          report({
            at: placeOf(func, call.callee.kind === 'member' ? { span: call.nameSpan } : call.callee),
            message: `${h.local.name} ${end === 'end' ? 'goes' : /rename/.test(end.name) ? 'is renamed' : 'is dropped'} behind this without flush(): ${lost(h)}. Call flush().await, or sync_all().await if it has to last.`,
            related: [{ at: end === 'end' ? placeOf(func, { span: { start: func.bodySpan.end - 1, end: func.bodySpan.end } }) : placeOf(func, end), message: end === 'end' ? 'it goes at the end' : 'here' }],
            fixes: canFlush(file) ? statementBehind(file, func, call.span, `${h.local.name}.flush().await?;`, 'Flush behind the write') : [],
          });
        }
      }
    }
  },
};

function lost(h: Handle): string {
  return h.type.endsWith('BufWriter') ? 'what is still in its buffer is lost' : 'the last write may still be running, and an error of it is never seen';
}
function isEnd(h: Handle, call: Call): boolean {
  if (/^drop$/.test(call.name)) return call.args.some((a) => a.kind === 'name' && a.id === h.local.id);
  return call.callee.kind === 'name' && /(?:^|::)fs::rename$|^rename$/.test(call.callee.name);
}
/** The trait that has flush(). */
function canFlush(file: SourceFile): boolean {
  return file.facts.imports.some((i) => i.path === 'tokio::io::AsyncWriteExt' || (i.glob && /^tokio::(?:io|prelude)$/.test(i.path)));
}
