/** The way operations took, in a few words. */
import type { OpWays } from './summary';
import { formatCount } from './units';

const WORDS: [member: keyof OpWays, words: string][] = [
  ['inline', 'inline'], ['polled', 'polled'], ['punted', 'punted'], ['sqpoll', 'by SQPOLL'], ['linked', 'linked'], ['multishot', 'multishot'],
  ['cancelled', 'cancelled'], ['timed_out', 'timed out'], ['o_direct', 'O_DIRECT'], ['fixed_file', 'fixed file'], ['fixed_buffer', 'fixed buffer'],
  ['notifications', 'buffer notifications'], ['signals', 'signal an eventfd'],
];

/** Like `812 inline, 40 punted (8 expected)`; `all` stands for every recorded one. '' where nothing was recorded. */
export function wayWords(ways: OpWays): string {
  return WORDS.filter(([member]) => ways[member] > 0).map(([member, words]) => {
    const count = ways[member] === ways.spans ? 'all' : formatCount(ways[member]);
    const expected = member === 'punted' && ways.punted_expected > 0 ? ` (${ways.punted_expected === ways.punted ? '' : `${formatCount(ways.punted_expected)} `}expected)` : '';
    return `${count} ${words}${expected}`;
  }).join(', ');
}
