// Reads a zip archive's table of contents: enough to check a VSIX, without unpacking it.
import { readFileSync } from 'node:fs';

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;

/** Entries in the archive's order: `{ name, size, packed, mode }`; sizes in bytes, `mode` as stat's (0 when unknown). */
export function zipEntries(file) {
  const bytes = readFileSync(file);
  let end = bytes.length - END_BYTES;
  while (end >= 0 && bytes.readUInt32LE(end) !== END_SIGNATURE) end--;
  if (end < 0) throw new Error(`${file}: not a zip archive`);
  const count = bytes.readUInt16LE(end + 10);
  let at = bytes.readUInt32LE(end + 16);
  const entries = [];
  for (let i = 0; i < count; i++) {
    if (bytes.readUInt32LE(at) !== ENTRY_SIGNATURE) throw new Error(`${file}: damaged table of contents`);
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    entries.push({
      name: bytes.toString('utf8', at + ENTRY_BYTES, at + ENTRY_BYTES + nameBytes),
      size: bytes.readUInt32LE(at + 24),
      packed: bytes.readUInt32LE(at + 20),
      mode: bytes.readUInt32LE(at + 38) >>> 16,
    });
    at += ENTRY_BYTES + nameBytes + extraBytes + commentBytes;
  }
  return entries;
}
