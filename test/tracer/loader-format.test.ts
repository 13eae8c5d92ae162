/** The constants of the C side are those of src/protocol/wire.ts, and the documentation names them all. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import {
  Api, Call, CALL_FIELDS, FORMAT_VERSION, FRAME_HEADER_BYTES, FrameType, INSTANT_FIELDS, InstantKind, LoaderExit, MAGIC, MAX_FRAME_PAYLOAD, SPAN_FIELDS, SpanFlag,
} from '../../src/protocol/wire';
import { buildLoader, LOADER } from '../support/launch';

const page = readFileSync(join(import.meta.dirname, '../../docs/trace-format.md'), 'utf8');

beforeAll(() => buildLoader());

test('the loader agrees', () => {
  const format = JSON.parse(execFileSync(LOADER, ['--print-format'], { encoding: 'utf8' })) as Record<string, unknown>;
  expect(format).toEqual({
    magic: [...MAGIC], limits: { FORMAT_VERSION, FRAME_HEADER_BYTES, MAX_FRAME_PAYLOAD },
    FrameType, Api, Call, SpanFlag, InstantKind, LoaderExit, SPAN_FIELDS, CALL_FIELDS, INSTANT_FIELDS,
  });
});

test.each([
  ['frame type', FrameType], ['span flag', SpanFlag], ['instant', InstantKind], ['API', Api], ['call', Call],
] as const)('the page has each %s with its number', (_what, numbers) => {
  for (const [name, value] of Object.entries(numbers)) expect(page).toMatch(new RegExp(`^\\| (bit )?${numbers === SpanFlag ? Math.log2(value) : value} \\| \`?${name}\`? \\|`, 'm'));
});

test.each([['span', SPAN_FIELDS], ['call', CALL_FIELDS], ['instant', INSTANT_FIELDS]] as const)('the page has the fields of a %s in order', (_what, fields) => {
  let at = page.indexOf(`| \`${fields[0][0]}\` | ${fields[0][1]} |`);
  for (const [name, kind] of fields) {
    expect(at, name).toBeGreaterThanOrEqual(0);
    const next = page.indexOf(`| \`${name}\` | ${kind} |`, at);
    expect(next, name).toBeGreaterThanOrEqual(at);
    at = next;
  }
});
