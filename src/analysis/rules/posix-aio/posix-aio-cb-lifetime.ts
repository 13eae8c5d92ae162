import { rootOf, type Memory } from '../../flow/memory';
import type { Flow } from '../../flow/program';
import { assignmentsTo } from '../../idioms/assignments';
import { automaticBehind } from '../../idioms/automatic';
import { blockKey, isUnset, posixStarts, reachesInFlight, sameText } from '../../idioms/posix-aio';
import { bare, statements, walk, walkFunction, type Call, type Expr, type Func, type Local } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, type DraftFix, type Rule, type View } from '../rule';

/** Fields the library reads, and that nobody can leave to chance. */
const SIGEVENT = 'aio_sigevent';
type Start = ReturnType<typeof posixStarts>[number];
const FIELDS = [`${SIGEVENT}.sigev_notify`, 'aio_reqprio', 'aio_offset'];

export const posixAioCbLifetime: Rule = {
  info: {
    id: 'posix-aio-cb-lifetime', languages: ['c', 'cpp'], severity: 'error', confidence: 'likely', memorySafety: true,
    summary: 'An aiocb that holds garbage, or that ends while its request is still running.',
  },
  why: 'glibc keeps the address of the control block and reads and writes it, and the buffer, until the request is done. A block that was never cleared holds garbage in aio_sigevent, aio_reqprio or aio_offset.',
  families: ['posix-aio'],
  tokens: /\b(?:aio_(?:read|write|fsync)|lio_listio)/,
  check(file, func, report) {
    const flow = func.damaged || /\bco_(?:await|return|yield)\b/.test(file.source(placeOf(func, func))) ? undefined : file.program.flow(func);
    if (flow && file.program.mentions(func, /\blio_listio/)) for (const block of uncleared(file, func)) {
      report({ at: placeOf(func, block), message: 'This control block was allocated and never cleared: aio_sigevent, aio_reqprio or aio_offset hold garbage. Clear it with memset(), or make it with `new aiocb()` or calloc().' });
    }
    const starts = flow ? posixStarts(file, func) : [];
    if (!flow || !starts.length) return;
    const told = new Set<string>();
    flow.replay((event, memory) => {
      const start = event.kind === 'call' ? starts.find((s) => s.call === event.call) : undefined;
      const key = start && blockKey(flow, start.block, memory);
      if (!start || key === undefined) return;
      const local = func.locals.get(rootOf(key));
      const own = local && !local.static && key === local.id ? local : undefined;
      const unset = isGarbage(file, func, key, own) && isUnset(memory, key, SIGEVENT) && FIELDS.some((f) => isUnset(memory, key, f));
      if (unset && !told.has(`unset ${key}`)) {
        told.add(`unset ${key}`);
        report({
          at: placeOf(func, own ?? start.call),
          message: own
            ? `${own.name} is never cleared: aio_sigevent, aio_reqprio or aio_offset hold what was on the stack. Initialise it with zeros.`
            : 'This control block comes from malloc() and was never cleared: aio_sigevent, aio_reqprio or aio_offset hold garbage. Use calloc() or memset().',
          related: own ? [{ at: placeOf(func, start.call), message: 'used here' }] : [],
          fixes: own ? zeroFix(file, func, own) : [],
        });
      }
      again(file, flow, start, starts, told, report);
      buffer(file, flow, start, memory, told, report);
      const automatic = automaticBehind(file, flow, start.block, memory);
      if (!automatic?.local || automatic.local.static || func.name === 'main' || told.has(`ends ${key}`)) return;
      if (reachesInFlight(file, flow, start.call, (e) => e === undefined || e.kind === 'return') === undefined) return;
      told.add(`ends ${key}`);
      report({
        at: placeOf(func, automatic.local),
        message: `The function returns while the request of ${automatic.local.name} is still running, and ${automatic.local.name} ends with it: glibc goes on using the memory. Keep the block with the request, or wait for it here.`,
        related: [{ at: placeOf(func, start.call), message: 'started here' }],
      });
    });
  },
};

type Report = Parameters<NonNullable<Rule['check']>>[2];

/** The block is filled anew, or started again, with its request still running. */
function again(file: View, flow: Flow, start: Start, starts: Start[], told: Set<string>, report: Report): void {
  const { func } = flow;
  const block = bare(start.block);
  if (block.kind === 'name' ? assignmentsTo(func, block.id).length > 1 : block.kind !== 'unary' || bare(block.operand).kind !== 'name') return;
  const isBlock = (e: Expr) => sameText(file, func, e, block) || (block.kind === 'unary' && sameText(file, func, e, block.operand));
  const hit = reachesInFlight(file, flow, start.call, (e) => {
    if (e?.kind === 'call') return starts.some((s) => s.call === e.call && s !== start && sameText(file, func, s.block, block));
    return e?.kind === 'store' && e.target.kind === 'member' && /^aio_(?:fildes|buf|nbytes|offset|sigevent)$/.test(e.target.field) && isBlock(e.target.object);
  });
  const at = hit && hit !== 'end' ? hit.kind === 'call' ? hit.call : hit.kind === 'store' ? hit.at : undefined : undefined;
  if (!at || at.span.start < start.call.span.start || told.has(`again ${at.span.start}`)) return;
  told.add(`again ${at.span.start}`);
  report({
    at: placeOf(func, at), message: 'The request of this control block is still running: glibc reads the block until it is done. Take another block, or wait first.',
    related: [{ at: placeOf(func, start.call), message: 'started here' }],
  });
}

/** The bytes behind aio_buf end with the function. */
function buffer(file: View, flow: Flow, start: Start, memory: Memory, told: Set<string>, report: Report): void {
  const { func } = flow;
  const stores = assignmentsTo(func, '.aio_buf');
  const value = stores.length === 1 && start.call.span.start > stores[0]!.at.span.start ? stores[0]!.value : undefined;
  const automatic = value && automaticBehind(file, flow, value, memory);
  if (!automatic?.local?.array || automatic.local.static || func.name === 'main' || told.has(`buffer ${automatic.local.id}`)) return;
  if (reachesInFlight(file, flow, start.call, (e) => e === undefined || e.kind === 'return') === undefined) return;
  told.add(`buffer ${automatic.local.id}`);
  report({
    at: placeOf(func, automatic.local),
    message: `The function returns while the request on ${automatic.local.name} is still running, and ${automatic.local.name} ends with it: the transfer goes on in memory that is something else by then. Keep the buffer with the request.`,
    related: [{ at: placeOf(func, start.call), message: 'started here' }],
  });
}

/** Memory that began in this function with nothing in it: a local without initialiser, or what malloc() gave. */
function isGarbage(file: View, func: Func, key: string, own: Local | undefined): boolean {
  if (own) return [...statements(func.body)].some((s) => s.kind === 'declare' && s.local.id === own.id && s.init === undefined) && !mentionedWhole(func, own);
  return /^@\d+\*$/.test(key) && madeByMalloc(file, func);
}
/** `cb = other;`, `fill(cb)`: somebody gave it a value. */
function mentionedWhole(func: Func, local: Local): boolean {
  for (const e of walkFunction(func)) if (e.kind === 'assign' && e.target.kind === 'name' && e.target.id === local.id) return true;
  return false;
}
function madeByMalloc(file: View, func: Func): boolean {
  const makers = [...walkFunction(func)].filter((e): e is Call => e.kind === 'call' && (/alloc/.test(e.name) || (e.name === 'new' && /\baiocb/.test(e.made ?? ''))));
  return makers.length > 0 && makers.every((c) => leavesGarbage(file, func, c));
}
/** Blocks for a list, allocated here, of which only some fields are stored. */
function* uncleared(file: View, func: Func): Generator<Local> {
  for (const s of statements(func.body)) {
    if (s.kind !== 'declare' || !s.init || s.local.type !== 'aiocb' || !s.local.pointer) continue;
    const made = bare(s.init);
    if (made.kind !== 'call' || !leavesGarbage(file, func, made)) continue;
    const { id } = s.local;
    const isBlock = (e: Expr): boolean => [...walk([e])].some((x) => x.kind === 'name' && x.id === id);
    const given = [...walkFunction(func)].some((e) => (e.kind === 'call' && e !== made && e.args.some((a) => bare(a).kind !== 'member' && isBlock(a)) && !/^(?:lio_listio|free|delete|push_back|emplace_back)/.test(e.name))
      || (e.kind === 'assign' && ((bare(e.target).kind === 'unary' && isBlock(e.target)) || (e.target.kind === 'name' && e.target.id === id))));
    const set = (field: string): boolean => assignmentsTo(func, `.${field}`).length > 0;
    if (!given && !(set('aio_sigevent') || set('sigev_notify'))) yield s.local;
  }
}

/** `malloc(…)`, or `new aiocb` without the brackets that would clear it. */
function leavesGarbage(file: View, func: Func, call: Call): boolean {
  return call.name === 'malloc' || (call.name === 'new' && !/[)}]$/.test(file.source(placeOf(func, call))));
}

function zeroFix(file: View, func: Func, local: Local): DraftFix[] {
  const s = [...statements(func.body)].find((x) => x.kind === 'declare' && x.local.id === local.id);
  if (s?.kind !== 'declare' || !s.alone || local.array || local.pointer) return [];
  const text = file.language === 'cpp' ? '{}' : ' = {0}';
  return [{ title: `Initialise ${local.name} with zeros`, edits: [insertion(func, s.local.span.end, text)], safe: true }];
}
