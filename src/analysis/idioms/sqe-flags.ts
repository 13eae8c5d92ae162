/** The flags of a request: which stores to its sqe's flags are its own, and what they amount to. */
import { share, surely, takesAnew, type Flags, type Prep } from './sqe-events';
import type { SqeFlow } from './sqe-flow';

/** Stores to the flags of the sqe a request is prepared in, behind the preparation or in front of it. */
export function flagsAround(flow: SqeFlow, prep: Prep): Flags[] {
  const ends = (x: Parameters<typeof takesAnew>[0]) => takesAnew(x, prep.sqes);
  return flow.of('flags').filter((f) => share(f.sqes, prep.sqes)
    && (flow.reaches(prep, (x) => x === f, ends, { ahead: true }) || flow.reaches(f, (x) => x === prep, ends, { ahead: true })));
}

/** Whether a request has one of the flags: on some way for certain, for certain not, or neither. */
export function hasFlag(flow: SqeFlow, prep: Prep, mask: bigint): 'yes' | 'no' | 'unknown' {
  if (flow.events.some((e) => (e.kind === 'escape' || e.kind === 'overwrite') && share(e.sqes, prep.sqes))) return 'unknown';
  let state = prep.inside ? prep.inner ? hasFlag(prep.inner.flow, prep.inner.prep, mask) : 'unknown' : 'no';
  for (const f of flagsAround(flow, prep)) {
    if (f.how === 'remove') return 'unknown';
    if (surely(f.bits, mask)) state = 'yes';
    else if (state === 'no' && (f.bits === undefined || f.bits.some((b) => (b & mask) !== 0n))) state = 'unknown';
  }
  return state;
}

/** A store in this function that gives the flag to this request and no other. */
export function flagStore(flow: SqeFlow, prep: Prep, mask: bigint): (Flags & { value: NonNullable<Flags['value']> }) | undefined {
  const found = flagsAround(flow, prep).find((f) => !f.inside && f.how !== 'remove' && surely(f.bits, mask));
  // which of several preparations it was may decide about the flags too
  if (!found?.value || flow.of('prep').some((p) => p !== prep && share(p.sqes, prep.sqes) && flagsAround(flow, p).includes(found))) return undefined;
  return { ...found, value: found.value };
}
