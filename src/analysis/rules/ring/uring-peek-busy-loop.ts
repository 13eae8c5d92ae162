import { ENTERING, LOOK, waysOfNothing } from '../../idioms/empty-queue';
import { assignmentsTo } from '../../idioms/assignments';
import { loopsAround } from '../../idioms/loops';
import { possibly, ringUses, setupFlag, surely, type RingUse } from '../../idioms/ring-setup';
import { rootOf } from '../../flow/memory';
import type { Event } from '../../flow/cfg';
import type { Flow } from '../../flow/program';
import { bare, ownExpressions, statements, walk, type Expr, type Func, type Local, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, isInBlock, type DraftFix, type Rule, type View } from '../rule';
import { peekLoopInRust } from './uring-peek-busy-loop.rust';

/** Words of people who poll on purpose. */
const MEANT = /spin|busy|\bpause|relax|yield|\basm\b|__asm/i;
/** Calls that take no time, and that nobody makes to pass it; saying so, or taking a lock, is no wait for a completion. */
const QUICK = /^(?:v?f?printf|f?puts|f?putc|putchar|fflush|pthread_(?:mutex|spin|rwlock)_(?:try|rd|wr)?(?:un)?lock|io_uring_(?:cqe_seen|cq_advance|cqe_get_data(?:64)?|cq_ready|peek_\w+|for_each_cqe|cq_has_overflow|sq_ready|sq_space_left)|load|empty|size|likely|unlikely|__builtin_expect|__atomic_load_n|atomic_load(?:_explicit)?|READ_ONCE)$/;

export const uringPeekBusyLoop: Rule = {
  info: {
    id: 'uring-peek-busy-loop', languages: ['c', 'cpp', 'rust'], severity: 'hint', confidence: 'heuristic',
    summary: 'A loop looks for completions without ever waiting, or looks where none can appear.',
  },
  why: 'Looking at the completion queue returns at once: a loop of nothing else keeps a processor busy. With IORING_SETUP_DEFER_TASKRUN completions are posted only when the task waits for them in the kernel, so a look alone never shows any.',
  families: ['liburing', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') peekLoopInRust(file, report);
  },
  check(file, func, report) {
    if (file.language === 'rust' || func.damaged || !file.program.mentions(func, /io_uring_(?:peek_|cq_ready|for_each_cqe)/)) return;
    const flow = file.program.flow(func);
    if (!flow) return;
    const blind = new Set<string>();
    let told = false;
    for (const use of ringUses(file, func)) {
      if (!LOOK.test(use.call.name)) continue;
      const ring = use.keys.join();
      if (seesNothing(file, func, use)) {
        if (!blind.has(ring)) report({
          at: placeOf(func, use.call), severity: 'error', fixes: runDeferred(file, func, use),
          message: 'A ring with IORING_SETUP_DEFER_TASKRUN posts completions only inside a call that waits for them or asks for events: nothing here does, and looking at the queue never shows any.',
        });
        blind.add(ring);
      } else if (!told && !blind.has(ring) && spins(file, flow, use)) {
        told = true;
        report({
          at: placeOf(func, use.call), fixes: wait(file, flow, use),
          message: 'Nothing in this loop waits: while no completion is there it goes round and keeps a processor busy. Wait with io_uring_wait_cqe().',
        });
      }
    }
  },
};

/** The ring defers its work, and nobody in sight enters the kernel for it. */
function seesNothing(file: View, func: Func, { call, keys, flags }: RingUse): boolean {
  if (!surely(flags, setupFlag('DEFER_TASKRUN'))) return false;
  // with that flag the two peeks see that there is work, and enter
  if (/peek/.test(call.name) && possibly(flags, setupFlag('TASKRUN_FLAG'))) return false;
  const { program } = file;
  if (ENTERING.some((n) => program.names(n)) || (!/peek/.test(call.name) && (program.names('io_uring_peek_cqe') || program.names('io_uring_peek_batch_cqe')) && possibly(flags, setupFlag('TASKRUN_FLAG')))) return false;
  return keys.length > 0 && keys.every((k) => isOfThisFile(file, func, rootOf(k)));
}
function isOfThisFile(file: View, func: Func, root: string): boolean {
  const local: Local | undefined = func.locals.get(root);
  return file.program.defines('main') || (local ? !func.params.includes(local) : file.program.global(root)?.static ?? false);
}

/** No completion leads round to the same look again, and nothing on the way takes time. */
function spins(file: View, flow: Flow, { call, flags }: RingUse): boolean {
  const { func } = flow;
  const { program } = file;
  const loops = loopsAround(func, call.span).filter((l) => l.form !== 'each');
  const loop = loops.at(-1);
  // a thread of the kernel's that polls is met by one that does
  const polled = [setupFlag('SQPOLL'), setupFlag('IOPOLL')];
  if (!loop || (flags ? polled.some((f) => possibly(flags, f)) : ['IORING_SETUP_SQPOLL', 'IORING_SETUP_IOPOLL'].some((n) => program.names(n)))) return false;
  // the rule's own name in a comment says nothing of what is meant
  const said = file.source(placeOf(func, loops[0]!)).replaceAll(uringPeekBusyLoop.info.id, '');
  if (MEANT.test(said) || MEANT.test(func.name)) return false;
  if (drainsBehindWait(func, loop)) return false;
  return waysOfNothing(flow, call, (e) => takesTime(e)).back;
}
/** `r = io_uring_wait_cqe(…); while (r == 0 || …) { … r = io_uring_peek_cqe(…); }`: takes what came, and a few that are about to. */
function drainsBehindWait(func: Func, loop: Extract<Stmt, { kind: 'loop' }>): boolean {
  const test = loop.test && bare(loop.test);
  const first = test?.kind === 'binary' && test.op === '||' ? bare(test.left) : undefined;
  const result = first?.kind === 'binary' && first.op === '==' && bare(first.right).kind === 'int' ? bare(first.left) : undefined;
  if (result?.kind !== 'name') return false;
  return assignmentsTo(func, result.id).some((a) => a.at.span.end < loop.span.start && a.value && [...walk([a.value])].some((e) => e.kind === 'call' && /^io_uring_wait_cqe/.test(e.name)));
}
/** Whoever counts the turns has an end in mind. */
function takesTime(e: Event): boolean {
  if (e.kind === 'store') return e.op !== '=';
  return e.kind === 'return' || (e.kind === 'call' && !QUICK.test(e.call.name));
}

/** The statement whose own expressions hold the call. */
function statementOf(func: Func, call: Expr): Stmt | undefined {
  return [...statements(func.body)].find((s) => [...walk(ownExpressions(s))].includes(call));
}
function runDeferred(file: View, func: Func, { call }: RingUse): DraftFix[] {
  const s = statementOf(func, call);
  if (!s || s.kind === 'loop' || !isInBlock(file, placeOf(func, s)) || !call.args[0]) return [];
  const indent = file.indentation(placeOf(func, s));
  const start = s.kind === 'declare' ? s.statement.start : s.span.start;
  return [{ title: 'Run the deferred work before', edits: [insertion(func, start, `io_uring_get_events(${file.source(placeOf(func, call.args[0]))});\n${indent}`)], safe: true }];
}
/** Where nothing at all is done while the queue is empty, and nobody else ends the loop, waiting is the same. */
function wait(file: View, flow: Flow, { call }: RingUse): DraftFix[] {
  if (call.name !== 'io_uring_peek_cqe') return [];
  const { func } = flow;
  const { events, tests } = waysOfNothing(flow, call, takesTime);
  // a wait has other errors, and any of them would end a loop that goes on at -EAGAIN only
  if ([...walk(tests)].some((e) => e.kind === 'name' && e.name === 'EAGAIN')) return [];
  const idle = events.every((e) => e.kind === 'compare' || e.kind === 'deref' || (e.kind === 'store' && [...walk([e.at])].includes(call)) || (e.kind === 'declare' && e.init === call));
  const own = [...walk(tests)].every((e) => e.kind !== 'name' || e.name === call.name || /^E[A-Z]+$/.test(e.name) || (func.locals.get(e.id) !== undefined && !/volatile|atomic/.test(func.locals.get(e.id)!.type)));
  return [{ title: 'Wait for a completion', edits: [{ place: placeOf(func, { span: call.nameSpan }), text: 'io_uring_wait_cqe' }], safe: idle && own }];
}
