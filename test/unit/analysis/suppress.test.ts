import { describe, expect, it } from 'vitest';
import { suppressFileEdit, suppressLineEdit } from '../../../src/analysis/suppress';
import { analyse, applied, rulesIn } from './support';

const source = (before: string, line: string, after = '') => `#include <liburing.h>
${after}
void f(struct io_uring *ring)
{
${before}
	io_uring_submit(ring);${line}
}
`;
const RULE = 'uring-submit-result-ignored';

describe('suppression comments', () => {
  it('without one the finding is there', async () => {
    expect(await rulesIn(source('', ''))).toEqual([RULE]);
  });
  it.each([
    ['next line', `	// ringlight-disable-next-line ${RULE}`, '', ''],
    ['next line, several ids and a reason', `	// ringlight-disable-next-line uring-null-sqe, ${RULE} -- counted elsewhere`, '', ''],
    ['next line, all', '	// ringlight-disable-next-line', '', ''],
    ['same line', '', ` // ringlight-disable-line ${RULE}`, ''],
    ['same line, block comment', '', ` /* ringlight-disable-line ${RULE} */`, ''],
    ['file', '', '', `/* ringlight-disable ${RULE} */`],
    ['file, all', '', '', '/* ringlight-disable all */'],
    ['a pattern', '	// ringlight-disable-next-line uring-submit-*', '', ''],
    ['behind another comment', '', ` /* one */ // ringlight-disable-line ${RULE}`, ''],
  ])('%s', async (_, before, line, file) => {
    expect(await rulesIn(source(before, line, file))).toEqual([]);
  });
  it.each([
    ['another rule', '	// ringlight-disable-next-line uring-null-sqe', '', ''],
    ['another line', '	// ringlight-disable-line', '', ''],
    ['the reason is no id', `	// ringlight-disable-next-line uring-null-sqe -- ${RULE} is fine`, '', ''],
    ['a word in a string', '	const char *s = "ringlight-disable-next-line";', '', ''],
    ['a comment in a string', '	const char *s = "// ringlight-disable-next-line";', '', ''],
    ['a pattern of other rules', '	// ringlight-disable-next-line aio-*', '', ''],
  ])('not by %s', async (_, before, line, file) => {
    expect(await rulesIn(source(before, line, file))).toEqual([RULE]);
  });
  it('the edits that are offered silence the finding', async () => {
    const text = source('', '');
    const [finding] = (await analyse(text)).findings;
    expect(await rulesIn(applied(text, [suppressLineEdit(text, RULE, finding!.range.start.line)]))).toEqual([]);
    expect(await rulesIn(applied(text, [suppressFileEdit(RULE)]))).toEqual([]);
  });
  it('a second rule joins the comment that is there', async () => {
    const text = source('	// ringlight-disable-next-line uring-null-sqe', '');
    const [finding] = (await analyse(text)).findings;
    const after = applied(text, [suppressLineEdit(text, RULE, finding!.range.start.line)]);
    expect(after).toContain(`// ringlight-disable-next-line uring-null-sqe, ${RULE}\n`);
    expect(await rulesIn(after)).toEqual([]);
  });
});
