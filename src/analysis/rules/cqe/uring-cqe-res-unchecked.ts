import { cqeFlow } from '../../idioms/cqe';
import { advancedUnread } from '../../idioms/cqe-counts';
import { sqeFlow } from '../../idioms/sqe';
import { ringsOf } from '../../idioms/sqe-chain';
import { mayBeSameRing, type SqeEvent } from '../../idioms/sqe-events';
import { prepName } from '../../idioms/sqe-preps';
import { walkFunction, type Call, type Func, type Place } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, Rule, View } from '../rule';

/** Requests whose outcome the program counts on. */
const MATTERS = /^(?:read|write|send|recv|fsync|sync_file_range|fallocate|ftruncate|splice|tee|open|connect|accept|multishot_accept|statx|rename|unlink|mkdir|link|symlink|bind|listen|socket|getxattr|setxattr)/;
/** Functions that throw completions away on purpose. */
const DISCARDS = /drain|flush|cancel|clean|destroy|close|stop|exit|shutdown|teardown|discard|clear|reset|nop|wake|notify|event_?fd|timer|timeout|free|fini(?!sh)|abort|warm/i;

export const uringCqeResUnchecked: Rule = {
  info: {
    id: 'uring-cqe-res-unchecked', languages: ['c', 'cpp'], severity: 'warning', confidence: 'likely',
    summary: 'The result of a completion is not looked at, or serves as a number though it may be an error.',
  },
  why: 'cqe->res is the negative error number of a request that failed. Not reading it takes a failed request for done; adding it up, indexing with it or passing it on as a length makes an error a huge or negative number.',
  families: ['liburing'],
  check(file, func, report) {
    const numbers = new Set<number>();
    const given = new Set<number>();
    const flow = cqeFlow(file.program, func);
    for (const t of flow?.troubles ?? []) {
      if (t.kind === 'number' && !numbers.has(t.at.span.start)) {
        if (t.token.source === 'parameter' && mayBeTestedBefore(file, func)) continue;
        numbers.add(t.at.span.start);
        report({
          at: t.at,
          message: 'This result may be a negative error number: test it before it serves as a length, an index or a descriptor.',
          related: t.token.call ? [{ at: placeOf(func, t.token.call), message: 'the cqe comes from here' }] : [],
        });
      } else if (t.kind === 'unread' && !given.has(t.at.span.start)) {
        const sure = matters(file, func, t.at, t.looked, t.token.rings);
        if (!sure) continue;
        given.add(t.at.span.start);
        report(unread(func, t.at, sure, t.token.call));
      }
    }
    for (const { advance, source, looked } of advancedUnread(file, func)) {
      const at = placeOf(func, advance);
      const sure = given.has(at.span.start) ? undefined : matters(file, func, at, looked, []);
      if (sure === 'here' || (sure && source)) report(unread(func, at, sure, source));
    }
  },
};

/** Who hands the cqe in may have looked at its result, or is out of sight. */
function mayBeTestedBefore(file: View, func: Func, asked: ReadonlySet<Func> = new Set()): boolean {
  const { program } = file;
  const callers = program.users(func).filter((f) => f !== func);
  if (!callers.length || asked.has(func)) return true;
  return callers.some((f) => {
    const calls = [...walkFunction(f)].filter((e) => e.kind === 'call' && program.callee(e) === func);
    if (!calls.length || f.damaged || program.mentions(f, /(?:->|\.)\s*res\b/)) return true;
    const handedIn = f.params.some((p) => p.type === 'io_uring_cqe');
    return handedIn ? mayBeTestedBefore(file, f, new Set([...asked, func])) : !program.mentions(f, /io_uring_(?:wait|peek|for_each|submit_and_wait)\w*cqe/);
  });
}
function unread(func: Func, at: Place, sure: 'here' | 'elsewhere', source: Call | undefined): Draft {
  return {
    at,
    message: 'Completions are given back and nobody has looked at their res: a request that failed is taken for done.',
    ...(sure === 'here' ? {} : { severity: 'information' as const }),
    related: source ? [{ at: placeOf(func, source), message: 'they come from here' }] : [],
  };
}

/** Whether the completions of these rings (empty: of any) are of requests that may fail in a way that counts: queued here, or by the file. */
function matters(file: View, func: Func, at: Place, looked: boolean, rings: readonly string[]): 'here' | 'elsewhere' | undefined {
  const { program } = file;
  // who looks at some results means to pass over the others
  if (DISCARDS.test(func.name) || program.mentions(func, /(?:->|\.)res\b/) || (looked && looksAtTags(file, func))) return undefined;
  // a link timeout belongs to its request
  const own = queuedBefore(file, func, at, rings).filter((op) => op !== 'link_timeout');
  if (own.length) return own.every((op) => MATTERS.test(op)) ? 'here' : undefined;
  const all = program.memo.derived(program, 'preparations by name', () => program.gather('preparations of functions', (f) => prepared(file, f)).join(' '));
  return all && all.split(' ').every((op) => MATTERS.test(op)) ? 'elsewhere' : undefined;
}
/** What a function, or those it calls, queues to one of the rings before completions are given back, by name. */
function queuedBefore(file: View, func: Func, at: Place, rings: readonly string[]): string[] {
  const flow = sqeFlow(file.program, func);
  const isThere = (e: SqeEvent): boolean => e.kind === 'reap' && e.call.span.start === at.span.start;
  return flow?.of('prep').filter((p) => mayBeSameRing(ringsOf(flow, p.sqes), rings) && flow.reaches(p, isThere)).map((p) => p.op ?? '') ?? [];
}
/** What a function prepares, by name. */
function prepared(file: View, func: Func): string[] {
  if (!file.program.mentions(func, /io_uring_prep_/)) return [];
  return file.program.memo.derived(func, 'preparations by name', () => [...walkFunction(func)].flatMap((e) => (e.kind === 'call' ? prepName(e.name) ?? [] : [])), (a, b) => a.join() === b.join());
}
/** User data decides what becomes of a completion: it may say that the result is of no interest. */
function looksAtTags(file: View, func: Func): boolean {
  // `if (auto *request = get_data(cqe))` asks only whether there is one
  return file.program.mentions(func, /(?:if|switch|while)\s*\((?![^;{=]*[^=!<>]=[^=;{]*get_data\w*\s*\(\s*\w+\s*\)+\s*[{\n])[^;{]*(?:user_data|get_data|\btag\b|\btype\b|->op\b|\.op\b|kind|state)/);
}
