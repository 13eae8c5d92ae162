/** What is wrong with the use of a cqe. */
import { placeIn, type Call, type Expr, type Func, type Place, type Span } from '../model';
import type { Token } from './cqe-state';

export type Trouble =
  /** the cqe is used though nobody knows whether there is one; `mild`: it is only given back; `not`: the errors that were told apart */
  | { kind: 'untested'; token: Token; at: Place; mild: boolean; failed: boolean; not?: string }
  /** the result is no error, and still there may be no cqe */
  | { kind: 'assumed'; token: Token; at: Place }
  /** never given back before the next one is taken (`again`), or before the function ends */
  | { kind: 'unseen'; token: Token; at: Place; again: Call | undefined }
  /** given back twice */
  | { kind: 'twice'; token: Token; at: Place; first: Call }
  /** the wait failed: there is no cqe to give back */
  | { kind: 'nothing'; token: Token; at: Place }
  /** read after it was given back */
  | { kind: 'late'; token: Token; at: Place; consumer: Call; pointer: Expr }
  /** given back without a look at its result */
  | { kind: 'unread'; token: Token; at: Place; looked: boolean }
  /** its result serves as a number though it may be an error */
  | { kind: 'number'; token: Token; at: Place };

/** Each trouble once, and none while the states are not final. */
export class Troubles {
  reporting = false;
  private readonly found = new Map<string, Trouble>();

  constructor(private readonly func: Func) {}

  get all(): readonly Trouble[] {
    return [...this.found.values()];
  }
  report(t: Trouble): void {
    if (!this.reporting) return;
    const key = `${t.kind} ${t.token.id} ${t.at.span.start}`;
    if (!this.found.has(key)) this.found.set(key, t);
  }
  place(at: { span: Span }): Place {
    return placeIn(this.func, at.span);
  }
}
