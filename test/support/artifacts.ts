/** What a test leaves for a person to look at; git ignores the folder. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../scripts/lib/paths.mjs';

/** Path of an artefact, like `timeline.png`; its folder exists. */
export function artifact(name: string): string {
  const folder = join(ROOT, 'test-artifacts');
  mkdirSync(folder, { recursive: true });
  return join(folder, name);
}
