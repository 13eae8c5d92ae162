import { constant } from '../../flow/value';
import { aioCalls } from '../../idioms/aio-call';
import { assignmentsTo } from '../../idioms/assignments';
import { bare, expressionsOf, statements, walk, type Expr, type Func, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';

type Loop = Extract<Stmt, { kind: 'loop' }>;

/** Words of people who poll on purpose. */
const MEANT = /spin|busy|poll/i;

export const aioGeteventsBusyLoop: Rule = {
  info: {
    id: 'aio-getevents-busy-loop', languages: ['c', 'cpp'], severity: 'warning', confidence: 'likely',
    summary: 'A loop of io_getevents with min_nr 0 that never sleeps, or a min_nr greater than nr.',
  },
  why: 'With min_nr 0 io_getevents() returns at once, with or without events. A loop of nothing else keeps a processor busy. A min_nr greater than nr is refused with EINVAL.',
  families: ['libaio', 'raw-aio'],
  tokens: /io_p?getevents/,
  check(file, func, report) {
    const calls = func.damaged ? [] : aioCalls(file, func).filter((c) => /getevents/.test(c.name));
    const flow = calls.length ? file.program.flow(func) : undefined;
    if (!flow) return;
    flow.replay((event, memory) => {
      const found = event.kind === 'call' ? calls.find((c) => c.call === event.call) : undefined;
      const [, least, most, , timeout] = found?.args ?? [];
      if (!found || !least || !most) return;
      const min = constant(flow.value(least, memory));
      const max = constant(flow.value(most, memory));
      if (min !== undefined && max !== undefined && min > max && max >= 0n) {
        report({ at: placeOf(func, bare(least)), severity: 'error', message: `min_nr (${min}) is greater than nr (${max}): the call fails with EINVAL.` });
        return;
      }
      const zero = timeout !== undefined && isZero(file, func, timeout);
      // with nothing to wait for a timeout is never reached
      if (min !== 0n && !zero) return;
      const loop = innermostLoop(func, found.call);
      if (!loop || !spins(file, func, loop, found.call)) return;
      report({
        at: placeOf(func, min === 0n ? bare(least) : bare(timeout!)),
        message: `With ${min === 0n ? 'min_nr 0' : 'a timeout of zero'} this call never sleeps, and nothing else in the loop does: it keeps a processor busy. Wait for at least one event.`,
        fixes: min === 0n && bare(least).kind === 'int' ? [{ title: 'Wait for one event', edits: [{ place: placeOf(func, bare(least)), text: '1' }], safe: false }] : [],
      });
    });
  },
};

/** A timeout that is set to zero, here or, a member, by its class, and never to anything else is none. */
function isZero(file: View, func: Func, timeout: Expr): boolean {
  const target = bare(timeout);
  const name = target.kind === 'unary' && target.op === '&' ? bare(target.operand) : target;
  if (name.kind !== 'name') return false;
  const local = func.locals.has(name.id);
  const shared = !local && file.program.ownersOf(name.name).length === 1;
  if (!local && !shared) return false;
  const zero = (e: Expr | undefined): boolean => e !== undefined && bare(e).kind === 'int' && (bare(e) as { value: bigint }).value === 0n;
  const stores = (f: Func, field: string, good: boolean): boolean => assignmentsTo(f, `.${field}`).some(({ at, value, op }) => {
    const object = at.kind === 'assign' && at.target.kind === 'member' ? bare(at.target.object) : undefined;
    return object?.kind === 'name' && (local ? object.id === name.id : object.name === name.name) && good === (op === '=' && zero(value));
  });
  const anywhere = (field: string, good: boolean): boolean => (local ? stores(func, field, good) : file.program.some(`${name.name}.${field} ${good ? 'zero' : 'not zero'}`, (f) => stores(f, field, good)));
  if (anywhere('tv_sec', false) || anywhere('tv_nsec', false)) return false;
  if (anywhere('tv_sec', true) && anywhere('tv_nsec', true)) return true;
  const declared = [...statements(func.body)].find((s) => s.kind === 'declare' && s.local.id === name.id);
  return declared?.kind === 'declare' && declared.init?.kind === 'list' && declared.init.items.every((i) => zero(i.value));
}

function innermostLoop(func: Func, call: Expr): Loop | undefined {
  let found: Loop | undefined;
  for (const s of statements(func.body)) if (s.kind === 'loop' && s.span.start <= call.span.start && call.span.end <= s.span.end) found = s;
  return found;
}

/** Nothing in the loop sleeps, hands work out of sight, or leaves it when there was no event. */
function spins(file: View, func: Func, loop: Loop, call: Expr): boolean {
  if (loop.form === 'for' && loop.update && loop.test && loop.init.length) return false;
  // the rule's own name in a comment says nothing of what is meant
  const source = file.source(placeOf(func, loop)).replaceAll(aioGeteventsBusyLoop.info.id, '');
  if (MEANT.test(source) || MEANT.test(func.name)) return false;
  // `while ((n = io_getevents(…)) > 0)` drains; `while (io_getevents(…) != 1)` asks again where there was nothing
  if (loop.test && [...walk([loop.test])].includes(call) && !goesOnWithout(loop.test, call)) return false;
  const inside = [...walk([...loop.body.flatMap(expressionsOf), ...(loop.test ? [loop.test] : []), ...(loop.update ? [loop.update] : [])])];
  // `do { n = io_getevents(…); } while (n == MAX)` drains as well
  const holds = (e: Expr): boolean => (e.kind === 'name' && assignmentsTo(func, e.id).some((a) => a.value && bare(a.value) === call))
    || (e.kind === 'member' && assignmentsTo(func, `.${e.field}`).some((a) => a.value && bare(a.value) === call));
  if (loop.test && [...walk([loop.test])].some(holds)) return false;
  const idle = [...statements(loop.body)].filter((s) => (s.kind === 'loop' || (s.kind === 'if' && !s.otherwise.length)) && s.test !== undefined && asksForEvents(func, s.test, call));
  // what is done with events is not done where there are none
  const withEvents = (e: Expr): boolean => idle.some((s) => s.span.start <= e.span.start && e.span.end <= s.span.end && !(e === call));
  const others = inside.filter((e) => e.kind === 'call' && e !== call && !withEvents(e));
  if (others.some((e) => e.kind === 'call' && !/^(?:(?:\w+_)?f?printf|puts|perror|strerror|assert|memset|memcpy|free|delete|abort|exit)$/i.test(e.name))) return false;
  // leaving when there was nothing is a drain; leaving at an error is not
  return ![...statements(loop.body)].some((s) => s.kind === 'if' && s.test && leaves(s) && isEmptyTest(s.test) && !idle.some((i) => i !== s && i.span.start <= s.span.start && s.span.end <= i.span.end));
}
/** `io_getevents(…) != 1`, `< n`, `== 0`: a loop of that goes on when there was no event. */
function goesOnWithout(test: Expr, call: Expr): boolean {
  const e = bare(test);
  if (e.kind !== 'binary' || bare(e.left) !== call) return false;
  // `1 == n`
  if (e.op === '==' && bare(e.left).kind === 'int' && (bare(e.left) as { value: bigint }).value > 0n) return false;
  const right = bare(e.right);
  const value = right.kind === 'int' ? right.value : undefined;
  return e.op === '!=' ? value !== 0n && right.kind !== 'unary' : e.op === '<' ? value === undefined || value > 0n : (e.op === '==' || e.op === '<=') && value === 0n;
}
/** `i < n`, `n > 0` of the number that came. */
function asksForEvents(func: Func, test: Expr, call: Expr): boolean {
  const e = bare(test);
  if (e.kind !== 'binary') return false;
  // `1 == io_getevents(…)`
  if (bare(e.right) === call && e.op === '==') return bare(e.left).kind === 'int' && (bare(e.left) as { value?: bigint }).value! > 0n;
  // `io_getevents(…) == 1`
  if (bare(e.left) === call) return (/^(?:==|>=)$/.test(e.op) && bare(e.right).kind === 'int' && (bare(e.right) as { value?: bigint }).value! > 0n) || (e.op === '>' && bare(e.right).kind === 'int');
  if (!/^[<>]$/.test(e.op)) return false;
  const count = e.op === '<' ? bare(e.right) : bare(e.left);
  if (e.op === '>' && !(bare(e.right).kind === 'int')) return false;
  return count.kind === 'name' && assignmentsTo(func, count.id).some((a) => a.value && bare(a.value) === call);
}
function leaves(s: Extract<Stmt, { kind: 'if' }>): boolean {
  return [...statements(s.then)].some((x) => x.kind === 'break' || x.kind === 'return' || x.kind === 'goto');
}
/** Whether a test of the result can hold when there was no event: `n == 0`, `n <= 0`, `!n`, `n < 1`, `n < wanted`. */
function isEmptyTest(test: Expr): boolean {
  const e = bare(test);
  if (e.kind === 'unary') return e.op === '!';
  if (e.kind !== 'binary') return false;
  if (e.op === '&&') return isEmptyTest(e.left) && isEmptyTest(e.right);
  if (e.op === '||') return isEmptyTest(e.left) || isEmptyTest(e.right);
  // `1 == n`
  if (e.op === '==' && bare(e.left).kind === 'int' && (bare(e.left) as { value: bigint }).value > 0n) return false;
  const right = bare(e.right);
  const value = right.kind === 'int' ? right.value : right.kind === 'unary' && right.op === '-' ? -1n : undefined;
  switch (e.op) {
    case '==': return value === undefined || value === 0n;
    case '!=': return value !== 0n;
    case '<': return value === undefined || value > 0n;
    case '<=': return value === undefined || value >= 0n;
    default: return false;
  }
}
