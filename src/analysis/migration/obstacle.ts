/** What of a libaio sequence is not of the plain form: why it is left as it is. */
import { aioCalls } from '../idioms/aio-call';
import { isNull } from '../idioms/tested';
import { typeNameOf } from '../idioms/declared-type';
import { placeIn, walkFunction, type Call, type Expr, type Func, type Span } from '../model';
import type { SourceFile } from '../source-file';

/** A sentence about the first thing that stands in the way in one of these functions. */
export function obstacle(file: SourceFile, functions: readonly Func[]): string {
  const line = (func: Func, at: Span): number => file.range(placeIn(func, at)).start.line + 1;
  for (const func of functions) {
    if (func.damaged) return `${func.name}() has code that could not be read.`;
    for (const e of walkFunction(func)) {
      const why = e.kind === 'call' ? inCall(e) : e.kind === 'member' ? inField(file, func, e) : undefined;
      if (why !== undefined) return `Line ${line(func, e.span)}: ${why}`;
    }
    for (const { name, args, call } of aioCalls(file, func)) {
      if (/getevents/.test(name) && args[4] && !isNull(args[4])) return `Line ${line(func, call.span)}: this wait has a time limit.`;
    }
  }
  const member = file.facts.fields.find((f) => /^(?:io_context_t|iocb|io_event)$/.test(f.type));
  if (member) return `${member.owner}.${member.name} is a member of a structure: contexts, iocbs and events have to be variables.`;
  return 'It is not of the plain form: all that is prepared goes into one io_submit() whose failure leaves the function, and events are looked at where they were fetched.';
}

function inCall({ callee, name }: Call): string | undefined {
  if (callee.kind !== 'name') return undefined;
  switch (name) {
    case 'io_set_eventfd': return 'an eventfd belongs to a ring, not to a request.';
    case 'io_set_callback': case 'io_queue_run': return 'liburing calls no callbacks.';
    case 'io_cancel': return 'a cancellation is a request of its own in io_uring.';
    case 'io_pgetevents': return 'this wait has a signal mask.';
    case 'io_prep_preadv2': case 'io_prep_pwritev2': return 'this request has flags.';
    default: return undefined;
  }
}
function inField(file: SourceFile, func: Func, e: Extract<Expr, { kind: 'member' }>): string | undefined {
  const type = typeNameOf(file, func, e.object);
  if (type === 'io_event' && e.field === 'obj') return 'an event of io_uring has no iocb: tell requests apart by their data.';
  return type === 'iocb' && e.field !== 'data' ? `${e.field} of an iocb is set by hand.` : undefined;
}
