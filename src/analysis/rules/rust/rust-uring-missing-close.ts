import { eventOf } from '../../idioms/paths';
import { isAwaited, rustCalls, fateOf } from '../../idioms/rust-code';
import { callsOn, endBehind, ownHandles } from '../../idioms/rust-handles';
import type { Func, Stmt } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import { insertion, type DraftFix, type Rule } from '../rule';

const FILE = /^(?:tokio_uring::fs::File|glommio::io::(?:DmaFile|BufferedFile)|compio(?:::|_)fs::File)$/;
const WRITTEN = /^(?:write\w*|copy_file_range_aligned)$/;
const SETTLED = /^(?:close|close_rc|sync_all|sync_data|fdatasync)$/;

export const rustUringMissingClose: Rule = {
  info: {
    id: 'rust-uring-missing-close', languages: ['rust'], severity: 'hint', confidence: 'heuristic', cleanup: true,
    summary: 'A file that was written to goes without close().await: errors are lost, and the runtime\'s thread closes it.',
  },
  why: 'Dropping a file of tokio-uring, glommio or compio closes the descriptor in the runtime\'s thread, and an error that only shows at close is lost. close().await does it on the ring and tells.',
  families: ['tokio-uring', 'glommio', 'compio'],
  checkFile(file, report) {
    for (const func of file.program.functions(/\bclose\b|\.\s*write\w*\s*\(/)) {
      if (func.damaged) continue;
      for (const c of rustCalls(file, func)) {
        if (c.call.name !== 'close' || !FILE.test(c.path.replace(/::close$/, '')) || isAwaited(file, c.call) || fateOf(func, c.call) !== 'discarded') continue;
        report({
          at: placeOf(func, c.call),
          message: 'close() does nothing until it is awaited: the file is dropped instead.',
          severity: 'warning',
          fixes: func.async ? [{ title: 'Append .await', edits: [insertion(func, c.call.span.end, '.await')], safe: false }] : [],
        });
      }
      if (!func.async) continue;
      const handles = ownHandles(file, func, FILE, /^$/).filter((h) => h.made);
      const flow = handles.length ? file.program.flow(func) : undefined;
      for (const h of handles) {
        const calls = callsOn(file, h);
        const stops = new Set(calls.filter((c) => SETTLED.test(c.name)).map((c) => c.call));
        const open = calls.some((c) => {
          const from = WRITTEN.test(c.name) ? eventOf(flow!, c.call) : undefined;
          return from && endBehind(flow!, h, from, (x) => stops.has(x), (x) => x.name === 'drop' && x.args.some((a) => a.kind === 'name' && a.id === h.local.id)) !== undefined;
        });
        if (!flow || !open) continue;
        report({
          at: placeOf(func, h.local),
          message: `${h.local.name} was written to and goes without close().await: an error at close is never seen, and the descriptor is closed in the runtime's thread.`,
          fixes: fix(file, func, h.made!, h.local.name, stops.size === 0 && !calls.some((c) => c.name === 'drop')),
        });
      }
    }
  },
};

/** In front of the `Ok(())` that ends the function. */
function fix(file: SourceFile, func: Func, made: Stmt, name: string, simple: boolean): DraftFix[] {
  const last = func.body.at(-1);
  if (!simple || !func.body.includes(made) || func.kind !== 'function' || !/\bResult\b/.test(func.returns) || last?.kind !== 'expr' || last.expr.kind !== 'call' || last.expr.name !== 'Ok') return [];
  const indent = file.indentation(placeOf(func, last));
  return [{ title: `Close ${name}`, edits: [insertion(func, last.span.start, `${name}.close().await?;\n${indent}`)], safe: /\bio::Result\b/.test(func.returns) }];
}
