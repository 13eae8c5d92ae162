/** Recordings: spool, index, answers. */
export { Recording, type Labels, type Problem } from './recording';
