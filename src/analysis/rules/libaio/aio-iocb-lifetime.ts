import { rootOf, pointees } from '../../flow/memory';
import type { Event } from '../../flow/cfg';
import type { Flow } from '../../flow/program';
import { destroyBehind, freesIn, isSameMemory, mayWait, stillRunning, submissionsIn, type Running, type Submission } from '../../idioms/aio-in-flight';
import { automaticBehind, automaticValue, type Automatic } from '../../idioms/automatic';
import { assignmentsTo } from '../../idioms/assignments';
import { aioCalls } from '../../idioms/aio-call';
import { typeNameOf } from '../../idioms/declared-type';
import { eventOf, wayTo } from '../../idioms/paths';
import { resultFlow } from '../../idioms/return-convention';
import { AIO_OTHER_PREPS, AIO_TRANSFERS } from '../../api/names';
import { valueOfAtoms } from '../../flow/value';
import { bare, walk, walkFunction, type Call, type Expr, type Func, type Local } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, Rule, View } from '../rule';

export const aioIocbLifetime: Rule = {
  info: {
    id: 'aio-iocb-lifetime', languages: ['c', 'cpp'], severity: 'error', confidence: 'likely', memorySafety: true,
    summary: 'A buffer or iocb ends, or is used again, while its request is still running.',
  },
  why: 'The kernel uses the buffer until the request completes, and the event brings the address of the iocb back. What is local to a function that returned before is other functions\' stack by then.',
  families: ['libaio'],
  check(file, func, report) {
    if (func.damaged || func.name === 'main' || /\bco_(?:await|return|yield)\b|cleanup|guard|defer|scope_|finally/i.test(file.source(placeOf(func, func)))) return;
    const flow = file.program.flow(func);
    if (!flow || waitsAtEnd(file, func)) return;
    const told = new Set<string>();
    const once = (key: string, draft: Draft): void => {
      if (told.has(key)) return;
      told.add(key);
      report(draft);
    };
    const submissions = submissionsIn(file, flow);
    for (const s of submissions) {
      for (const { prep, buffer } of s.transfers) {
        const automatic = automaticValue(flow, buffer) ?? behindOwn(file, flow, prep);
        const end = automatic && endsInFlight(file, flow, s, automatic);
        if (automatic && end) once(`buffer ${automatic.at.start}`, bufferDraft(func, s, automatic, end));
        for (const { call, event, value } of freesIn(flow)) {
          if (!isSameMemory(value, buffer) || destroyBehind(file, flow, event) || !stillRunning(file, flow, s, (e) => e === event)) continue;
          once(`freed ${call.span.start}`, {
            at: placeOf(func, call), message: 'This buffer is freed while its request may still be running: the kernel uses the memory later. Free it when the event came.',
            related: [{ at: placeOf(func, s.at), message: 'submitted here' }],
          });
        }
      }
      if (!comesBack(file, func)) continue;
      for (const atom of s.iocbs.atoms.values()) {
        const automatic = atom.kind === 'address' && !s.iocbs.unknown ? automaticValue(flow, valueOfAtoms(atom)) : undefined;
        const end = automatic?.local && endsInFlight(file, flow, s, automatic);
        if (automatic && end) {
          once(`iocb ${automatic.at.start}`, {
            at: placeOf(func, { span: automatic.at }), severity: 'warning',
            message: `The function returns while this request is running, and ${automatic.name} ends with it: the event, or the cancellation, brings back an address that is no iocb any more.`,
            related: relatedTo(func, s, end.at),
          });
        }
      }
      const again = preparedAgain(file, flow, s, submissions);
      if (again) {
        once(`again ${again.at.span.start}`, {
          at: again.at, severity: 'warning',
          message: 'The same iocb is prepared and submitted again while its first request is running: their events have the same obj, nobody can tell them apart. Use one for each request.',
          related: [{ at: placeOf(func, s.at), message: 'submitted here' }, { at: placeOf(func, again.prep), message: 'prepared again here' }],
        });
      }
    }
  },
};

function bufferDraft(func: Func, s: Submission, automatic: Automatic, end: { how: Running; at: Event | 'end' }): Draft {
  return {
    at: placeOf(func, { span: automatic.at }),
    message: end.how === 'timed out'
      ? `When the wait ends without the event, the function returns with the request still running, and ${automatic.name} ends with it: the kernel uses the memory later.`
      : `The function goes on without waiting for this request, and ${automatic.name} ends: the kernel uses the memory later. Keep the buffer with the request, or wait here.`,
    related: relatedTo(func, s, end.at),
  };
}
function relatedTo(func: Func, s: Submission, end: Event | 'end'): NonNullable<Draft['related']> {
  return [{ at: placeOf(func, s.at), message: 'submitted here' }, ...(end !== 'end' && end.kind === 'return' ? [{ at: placeOf(func, end), message: 'and returns here' }] : [])];
}

/** `v.data()` of a local container, where the preparation is in this function. */
function behindOwn(file: View, flow: Flow, prep: Call): Automatic | undefined {
  const buffer = prep.within === flow.func && !/v2?$/.test(prep.name) ? prep.args[2] : undefined;
  let found: Automatic | undefined;
  if (buffer) {
    flow.replay((event, memory) => {
      if (event.kind === 'call' && event.call === prep) found = automaticBehind(file, flow, buffer, memory);
    });
  }
  return found;
}
/** The function ends, or a new turn makes the variable anew. */
function endsInFlight(file: View, flow: Flow, s: Submission, automatic: Automatic): { how: Running; at: Event | 'end' } | undefined {
  const id = automatic.inLoop ? automatic.local?.id : undefined;
  return stillRunning(file, flow, s, (e) => e === undefined || e.kind === 'return' || (e.kind === 'declare' && e.local.id === id));
}
/** A local object whose destructor waits for requests, or destroys the context. */
function waitsAtEnd(file: View, func: Func): boolean {
  if (file.language !== 'cpp') return false;
  const owners = new Set(file.program.functions(/io_destroy|io_queue_release|getevents/).filter((f) => f.kind === 'destructor').map((f) => f.owner.replace(/^.*::/, '')));
  return [...func.locals.values()].some((l) => !l.pointer && !l.reference && [...owners].some((o) => l.type.split(/\W+/).includes(o)));
}

/** Whether somebody gets addresses of iocbs back from the kernel or the library. */
function comesBack(file: View, func: Func): boolean {
  const reads = (f: Func): boolean => [...walkFunction(f)].some((e) => e.kind === 'member' && e.field === 'obj' && typeNameOf(file, f, e.object) === 'io_event');
  return file.program.functions(/(?:->|\.)\s*obj\b/).some(reads) || file.program.mentions(func, /io_set_callback/)
    || file.program.functions(/\bio_(?:cancel|queue_run)\s*\(/).some((f) => aioCalls(file, f).some((c) => /cancel|queue_run/.test(c.name)));
}

/** A pointer that the function counts from. */
function isArray(func: Func, id: string): boolean {
  return [...walkFunction(func)].some((e) => (e.kind === 'index' ? isName(e.object, id) : e.kind === 'binary' && (e.op === '+' || e.op === '-') && isName(e.left, id)));
}
function isName(e: Expr, id: string): boolean {
  const inner = bare(e);
  return inner.kind === 'name' && inner.id === id;
}
/** Whether a key of an iocb is that of one alone: elements of arrays and lists share theirs. */
function isSingle(file: View, func: Func, key: string, local: Local | undefined): boolean {
  const { program } = file;
  if (!local) {
    const member = program.ownersOf(key).flatMap((o) => program.fieldsOf(o).filter((f) => f.name === key));
    const all = [...member, program.global(key)].filter((x) => x !== undefined);
    return /^[A-Za-z_]\w*$/.test(key) && all.length > 0 && all.every((x) => x.type === 'iocb' && !x.pointer && !x.array);
  }
  const steps = key.slice(local.id.length);
  if (local.array) return false;
  return steps === '' ? !local.pointer : /^\*(?:\.\w+)?$/.test(steps) && func.params.some((p) => p.id === local.id) && assignmentsTo(func, local.id).length === 0 && !isArray(func, local.id);
}
/** A preparation of the same single iocb that is reached before anything waited. */
function preparedAgain(file: View, flow: Flow, s: Submission, submissions: readonly Submission[]): { at: Draft['at']; prep: Call } | undefined {
  const { func } = flow;
  const [key, ...others] = pointees(s.iocbs);
  const local = key === undefined ? undefined : func.locals.get(rootOf(key));
  if (key === undefined || others.length || !isSingle(file, func, key, local)) return undefined;
  let found: Call | undefined;
  const results = resultFlow(file, func);
  const from = eventOf(flow, s.at);
  const keys = new Map<Call, string[]>();
  flow.replay((event, memory) => {
    if (event.kind === 'call' && (AIO_TRANSFERS.has(event.call.name) || AIO_OTHER_PREPS.has(event.call.name)) && event.call.args[0]) keys.set(event.call, pointees(flow.value(event.call.args[0], memory)));
  });
  // a function that prepares what it submits
  for (const other of submissions) if (other.transfers.length && other.transfers.every((t) => t.prep.within !== func)) keys.set(other.at, pointees(other.iocbs));
  const way = from && wayTo(flow, from, {
    goal: (e) => {
      if (e?.kind !== 'call' || keys.get(e.call)?.length !== 1 || keys.get(e.call)![0] !== key || [...walk(e.call.args.slice(0, 1))].some((x) => x.kind === 'index')) return false;
      found = e.call;
      return true;
    },
    stop: (e) => (e.kind === 'call' && e.call !== s.at && mayWait(file, e.call)) || (e.kind === 'declare' && e.local.id === local?.id),
    edge: (edge, block) => {
      const state = edge.guard && results?.after(block);
      return !state || results?.outcome(edge, state, s.at) !== true;
    },
  });
  return way && found ? { at: local && key === local.id ? placeOf(func, local) : placeOf(func, found), prep: found } : undefined;
}
