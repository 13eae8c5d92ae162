// VS Code with Ringlight, of this clone's own: its data, its extensions and its demo workspace, all below PROFILE.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { CODE_SERVER, PROFILE, ROOT } from './paths.mjs';
import { refreshDemo } from './demo-workspace.mjs';
import { readStamp, writeStamp } from './stamp.mjs';
import { VSIX } from './vsix.mjs';

export const DEMO = join(PROFILE, 'demo');

/** A fresh profile opens on the demo's README, quietly; what the user changes later stays. */
const SETTINGS = {
  'workbench.startupEditor': 'readme',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.ignoreRecommendations': true,
};

/** A VS Code started from a terminal of VS Code would talk to that one. */
export function cleanEnvironment(env = process.env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(VSCODE_|ELECTRON_RUN_AS_NODE$|CODE_SERVER_)/.test(name)));
}

/**
 * How each kind of VS Code is called: `base` is the program and the options that keep it to the profile. Web and
 * desktop keep their data apart, so that both can run.
 */
export const EDITORS = {
  web: {
    name: 'code-server',
    data: join(PROFILE, 'web'),
    base: () => [CODE_SERVER.node, CODE_SERVER.entry,
      '--config', join(PROFILE, 'web', 'code-server.yaml'),
      '--user-data-dir', join(PROFILE, 'web/data'), '--extensions-dir', join(PROFILE, 'web/extensions')],
  },
  desktop: {
    name: 'code',
    data: join(PROFILE, 'desktop'),
    base: (program) => [program, '--user-data-dir', join(PROFILE, 'desktop/data'), '--extensions-dir', join(PROFILE, 'desktop/extensions'),
      // as root, Electron refuses its sandbox
      ...(process.getuid() === 0 ? ['--no-sandbox'] : [])],
  },
};

/** A step that installs the VSIX into the editor's own extensions folder, when it is not this very VSIX already. */
export function installStep(editor, program) {
  const stamp = join(editor.data, 'installed.sha256');
  const hash = () => createHash('sha256').update(readFileSync(VSIX)).digest('hex');
  return {
    title: `Ringlight into ${editor.name}`,
    advice: `remove ${editor.data} and run this again.`,
    done: () => existsSync(VSIX) && readStamp(stamp) === hash() && existsSync(join(editor.data, 'extensions')),
    run: async ({ sh }) => {
      rmSync(stamp, { force: true });
      const settings = join(editor.data, 'data/User/settings.json');
      mkdirSync(join(settings, '..'), { recursive: true });
      if (!existsSync(settings)) writeFileSync(settings, `${JSON.stringify(SETTINGS, null, 2)}\n`);
      if (editor === EDITORS.web) writeFileSync(join(editor.data, 'code-server.yaml'), 'auth: none\n');
      const [command, ...args] = [...editor.base(program), '--install-extension', VSIX, '--force'];
      await sh(command, args, { env: cleanEnvironment() });
      writeStamp(stamp, hash());
    },
  };
}

/** A step that brings the demo workspace up to date. */
export function demoStep() {
  return {
    title: 'demo workspace',
    run: ({ say }) => {
      const kept = refreshDemo(join(ROOT, 'demo'), DEMO, join(PROFILE, 'demo.json'));
      if (kept.length > 0) say(`your changes stay: ${kept.join(', ')}`);
    },
  };
}
