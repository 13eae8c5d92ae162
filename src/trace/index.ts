/** Pure: bytes of a recording in, answers out. Runs in Node and in a browser. */
export { TraceStore } from './store';
export { StreamReader, type StreamEnd } from './stream-reader';
export { Summaries, describeEnd } from './summary';
export { formatSummary } from './format-summary';
export { describe } from './detail';
export { queryTiles, queryRows } from './query';
export { errnoName } from './errno';
export { formatWho, withRates, type WhoTable } from './who-table';
