/** Answers one request of the page; a question that cannot be answered is refused in words, never thrown. */
import type { FromPage, ToPage } from '../protocol/page';
import { describe, queryRows, queryTiles, type StreamEnd, type Summaries, type TraceStore } from '../trace';

type Request = Extract<FromPage, { kind: 'request' }>;

export function answer(store: TraceStore, summaries: Summaries, end: StreamEnd | undefined, request: Request): ToPage {
  const { id } = request;
  try {
    switch (request.name) {
      case 'tiles': return { kind: 'reply', id, name: 'tiles', value: queryTiles(store, request.args) };
      case 'detail': return { kind: 'reply', id, name: 'detail', value: describe(store, request.args.index) };
      case 'rows': return { kind: 'reply', id, name: 'rows', value: queryRows(store, request.args) };
      case 'summary': {
        const { t0, t1 } = request.args;
        const window = t0 === undefined && t1 === undefined ? undefined : { t0: t0 ?? 0, t1: t1 ?? store.end };
        return { kind: 'reply', id, name: 'summary', value: summaries.summary(end, window) };
      }
      case 'nextProblem': {
        const found = store.nextProblem(request.args.from, request.args.direction);
        return { kind: 'reply', id, name: 'nextProblem', value: found === undefined ? null : describe(store, found) };
      }
    }
  } catch (error) {
    return { kind: 'refused', id, message: error instanceof Error ? error.message : String(error) };
  }
}
