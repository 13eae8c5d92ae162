import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refreshDemo } from '../../scripts/lib/demo-workspace.mjs';
import { ROOT } from '../../scripts/lib/paths.mjs';

export interface DemoCopy { path: string; remove(): void }

/** A copy of the demo workspace for one test to build and run in. */
export function copyDemo(): DemoCopy {
  const base = mkdtempSync(join(tmpdir(), 'ringlight-demo-'));
  const path = join(base, 'demo');
  refreshDemo(join(ROOT, 'demo'), path, join(base, 'manifest.json'));
  return { path, remove: () => rmSync(base, { recursive: true, force: true }) };
}
