import { integers } from '../../flow/value';
import { flagBits } from '../../idioms/flag-bits';
import { flagState, O_ACCMODE, O_DIRECT, originsOf } from '../../idioms/fd-origin';
import { transfersOf } from '../../idioms/transfers';
import { bare, statements, walkFunction, type Call, type Expr, type Func, type Span } from '../../model';
import { placeOf } from '../../source-file';
import { SPEAKS_OF_DIRECT } from './direct-files';
import { mixedInRust } from './direct-mixed-buffered.rust';
import type { Draft, Rule, View } from '../rule';

const OPENS = new Map([['open', 1], ['open64', 1], ['openat', 2], ['openat64', 2]]);
const SYNCS = /\bf(?:data)?sync\b|\bO_D?SYNC\b|\bRWF_D?SYNC\b|\bsync_file_range\b|\bsyncfs\b|FSYNC|_fsync\b|\bfdsync\b|\bmsync\b/;
const DURABLE = /commit|durable|sync(?!hron)/i;
/** Words for "not asynchronous" are no promise of durability. */
const NOT_DURABLE = /async|is_?sync|sync_?(?:read|io|mode)|read/i;

export const directMixedBuffered: Rule = {
  info: {
    id: 'direct-mixed-buffered', languages: ['c', 'cpp', 'rust'], severity: 'hint', confidence: 'heuristic',
    summary: 'The same file is used with O_DIRECT and through the page cache at the same time.',
  },
  why: 'The page cache and direct transfers of the same file are only loosely coherent: readers may see old data, and each direct write has to drop cached pages. The manual of open(2) advises against mixing.',
  families: [],
  check(file, func, report) {
    if (file.language === 'rust') return mixedInRust(file, func, report);
    if (func.damaged || !file.says(SPEAKS_OF_DIRECT) || file.program.mentions(func, /POSIX_FADV_DONTNEED/)) return;
    if (file.program.mentions(func, /\bO_DIRECT\b/)) twoOpens(file, func, report);
    if (file.program.mentions(func, /\b(?:mmap|fdopen)\b/)) onDescriptor(file, func, report);
    if (DURABLE.test(func.name) && !NOT_DURABLE.test(func.name)) durability(file, func, report);
  },
};

interface Opened { call: Call; path: string; direct: boolean; writable: boolean; order: number }

function twoOpens(file: View, func: Func, report: (draft: Draft) => void): void {
  const flow = file.program.flow(func);
  const all: Opened[] = [];
  const closes: { name: string; at: number }[] = [];
  const text = (e: Expr): string => file.source(placeOf(func, e));
  flow?.replay((event, memory) => {
    if (event.kind !== 'call' || event.call.callee.kind !== 'name') return;
    const { call } = event;
    const order = call.span.start;
    if ((call.name === 'close' || call.name === 'fclose') && call.args[0]) closes.push({ name: text(call.args[0]), at: order });
    if (file.program.callee(call)) return;
    const position = OPENS.get(call.name);
    if (position !== undefined && call.args[position]) {
      const bits = flagBits(call.args[position], flow, memory);
      if (bits.may < 0n || bits.param !== undefined || (bits.must & O_DIRECT) !== (bits.may & O_DIRECT)) return;
      all.push({ call, path: text(call.args[position - 1]!), direct: (bits.must & O_DIRECT) !== 0n, writable: (bits.may & O_ACCMODE) !== 0n, order });
    } else if ((call.name === 'fopen' || call.name === 'fopen64') && call.args[1]) {
      const mode = bare(call.args[1]);
      if (mode.kind === 'text') all.push({ call, path: text(call.args[0]!), direct: false, writable: /[wa+]/.test(mode.value), order });
    }
  });
  all.sort((a, b) => a.order - b.order);
  for (const [i, second] of all.entries()) {
    const first = all.slice(0, i).find((o) => o.path === second.path && o.direct !== second.direct && (o.writable || second.writable));
    if (!first || depends(func, first.call) || depends(func, second.call) || changes(func, second.path) || isGone(func, first.call, second.call)) continue;
    // read with the cache, closed, then opened for direct I/O
    const holder = holderOf(file, func, first.call);
    if (holder !== undefined && closes.some((c) => c.name === holder && c.at > first.order && c.at < second.order)) continue;
    report({
      at: placeOf(func, second.call),
      message: `The same file is open ${first.direct ? 'with' : 'without'} O_DIRECT already: page cache and direct transfers are only loosely coherent. Open it the same way both times.`,
      related: [{ at: placeOf(func, first.call), message: first.direct ? 'opened here with O_DIRECT' : 'opened here for the page cache' }],
    });
    return;
  }
}
/** Under a condition, or part of one: a second try, or a setting. */
function depends(func: Func, call: Call): boolean {
  const inside = (s: Span): boolean => s.start <= call.span.start && call.span.end <= s.end;
  return [...statements(func.body)].some((s) => {
    if (s.kind === 'if') return [...s.then, ...s.otherwise].some((b) => inside(b.span));
    if (s.kind === 'switch') return s.cases.some((c) => c.body.some((b) => inside(b.span)));
    return s.kind === 'loop' && inside(s.span);
  }) || hasConditional(func, call);
}
/** Made for a block that ends before the other open, or closed at once. */
function isGone(func: Func, first: Call, second: Call): boolean {
  const inside = (s: Span, c: Call): boolean => s.start <= c.span.start && c.span.end <= s.end;
  if ([...statements(func.body)].some((s) => (s.kind === 'block' || s.kind === 'try') && inside(s.span, first) && !inside(s.span, second))) return true;
  for (const e of walkFunction(func)) if (e.kind === 'call' && e.name === 'close' && e.args[0] && bare(e.args[0]) === first) return true;
  return false;
}
function hasConditional(func: Func, call: Call): boolean {
  return [...statements(func.body)].some((s) => (s.kind === 'declare' ? s.init : s.kind === 'expr' ? s.expr : undefined)?.kind === 'conditional' && s.span.start <= call.span.start && call.span.end <= s.span.end);
}
/** Whether the variable a path is in gets another one. */
function changes(func: Func, path: string): boolean {
  return [...statements(func.body)].some((s) => s.kind === 'expr' && s.expr.kind === 'assign' && s.expr.target.kind === 'name' && s.expr.target.name === path)
    || [...statements(func.body)].some((s) => s.kind === 'expr' && s.expr.kind === 'call' && /^(?:v?sn?printf|str(?:n?cpy|n?cat)|memcpy)$/.test(s.expr.name) && s.expr.args[0]?.kind === 'name' && s.expr.args[0].name === path);
}
function holderOf(file: View, func: Func, call: Call): string | undefined {
  for (const s of statements(func.body)) {
    if (s.kind === 'declare' && s.init && bare(s.init) === call) return s.local.name;
    if (s.kind === 'expr' && s.expr.kind === 'assign' && bare(s.expr.value) === call) return file.source(placeOf(func, s.expr.target));
  }
  return undefined;
}

/** `mmap` and `fdopen` on a direct descriptor. */
function onDescriptor(file: View, func: Func, report: (draft: Draft) => void): void {
  const flow = file.program.flow(func);
  flow?.replay((event, memory) => {
    if (event.kind !== 'call' || event.call.callee.kind !== 'name' || file.program.callee(event.call)) return;
    const { call } = event;
    const fd = /^mmap(?:64)?$/.test(call.name) ? call.args[4] : call.name === 'fdopen' ? call.args[0] : undefined;
    if (!fd || integers(flow.value(fd, memory))) return;
    const origins = originsOf(file, flow, fd, memory);
    if (!origins?.every((o) => o.kind === 'file' && flagState(o, O_DIRECT) === 'on')) return;
    report({
      at: placeOf(func, call),
      message: call.name === 'fdopen' ? 'stdio reads and writes through a buffer of its own that is not aligned, and this descriptor is open with O_DIRECT.'
        : 'This maps pages of the cache of a file that is open with O_DIRECT: the two are only loosely coherent.',
      related: origins.flatMap((o) => (o.place ? [{ at: o.place, message: 'opened here with O_DIRECT' }] : [])),
    });
  });
}

/** Writes in functions whose names promise that data are on disk. */
function durability(file: View, func: Func, report: (draft: Draft) => void): void {
  if (file.says(SYNCS)) return;
  for (const t of transfersOf(file, func)) {
    if (!t.writes || t.call !== t.inner || !originsOf(file, t.fd.flow, t.fd.expr, t.fd.memory)?.every((o) => o.kind === 'file' && flagState(o, O_DIRECT) === 'on')) continue;
    report({
      at: placeOf(func, { span: t.call.nameSpan }), severity: 'information',
      message: 'O_DIRECT does not make this write durable: the device may still have it in its cache. Follow it with fdatasync(), or open with O_DSYNC.',
    });
    return;
  }
}
