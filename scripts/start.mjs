// `npm start`: from a clone to VS Code with Ringlight and a demo open. Plain Node: runs before node_modules exists.
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { withLock } from './lib/lock.mjs';
import { endSession, markedEnvironment } from './lib/processes.mjs';
import { freePort, isFree, untilListening } from './lib/ports.mjs';
import { which } from './lib/shell.mjs';
import { StepFailed, main, runSteps } from './lib/steps.mjs';
import { DEMO, EDITORS, cleanEnvironment, demoStep, installStep } from './lib/editor.mjs';
import { vsixStep } from './lib/vsix.mjs';
import { buildStep, setupSteps } from './setup.mjs';

const DEFAULT_PORT = 8080;
const HELP = `npm start -- [--port N] [--desktop] [--help]

Sets up what is missing, builds, and opens VS Code with Ringlight and a demo workspace.

--port N    serve on this loopback port (default ${DEFAULT_PORT}, or another when that is taken)
--desktop   use the VS Code installed on this machine (\`code\`) instead of the one in the browser
`;

function options() {
  let values;
  try {
    ({ values } = parseArgs({ options: { port: { type: 'string' }, desktop: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } }));
  } catch (error) {
    throw new StepFailed(error.message, `see \`npm start -- --help\`.`);
  }
  const port = values.port === undefined ? undefined : Number(values.port);
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65535)) throw new StepFailed(`Not a port: ${values.port}.`, 'give a number from 1 to 65535.');
  if (values.desktop && port !== undefined) throw new StepFailed('--port is for VS Code in the browser; --desktop has none.', 'give one of the two.');
  return { ...values, port };
}

const setUp = (purposes, editor, program) => withLock(() => runSteps([
  ...setupSteps(purposes), buildStep(), vsixStep(), installStep(editor, program), demoStep(),
]));

/** Opens the page where there is a desktop; elsewhere the printed address has to do. */
function openBrowser(url) {
  if (!(process.env.DISPLAY || process.env.WAYLAND_DISPLAY)) return;
  const opener = which('xdg-open');
  if (!opener) return;
  const child = spawn(opener, [url], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}

async function serve(wantedPort) {
  if (wantedPort !== undefined && !await isFree(wantedPort)) throw new StepFailed(`Port ${wantedPort} is taken.`, 'choose another, or none.');
  await setUp(['loader', 'demo', 'vscode'], EDITORS.web);
  const port = wantedPort ?? await freePort(DEFAULT_PORT);
  const { id, env } = markedEnvironment(cleanEnvironment());
  const [command, ...args] = [...EDITORS.web.base(), '--auth', 'none', '--bind-addr', `127.0.0.1:${port}`,
    '--disable-workspace-trust', '--disable-telemetry', '--disable-update-check', '--disable-getting-started-override', DEMO];
  // its own process group: Ctrl-C comes to us, and we end it
  const server = spawn(command, args, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = [];
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (data) => { said.push(String(data)); if (said.length > 200) said.shift(); });
  let stopping = false;
  const ended = new Promise((resolve) => server.on('close', resolve));
  let gone = false;
  void ended.then(() => { gone = true; });
  const stopped = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { stopping = true; resolve(); });
  });
  try {
    if (!await untilListening(port, () => gone || stopping) && !stopping) {
      throw new StepFailed(`VS Code did not start. It said:\n\n${said.join('')}`, 'if the port was taken meanwhile, run this again.');
    }
    if (!stopping) {
      const url = `http://127.0.0.1:${port}/?folder=${encodeURI(DEMO)}`;
      process.stdout.write(`\nRinglight is open at\n\n    ${url}\n\nCtrl-C ends it.\n`);
      openBrowser(url);
    }
    await Promise.race([ended, stopped]);
    if (!stopping) throw new StepFailed(`VS Code ended by itself. It said last:\n\n${said.join('').slice(-4000)}`, 'run `npm start` again.');
    process.stdout.write('\nEnding…\n');
  } finally {
    await endSession(id);
  }
}

async function desktop() {
  const program = which('code', []);
  if (!program) throw new StepFailed('No `code` on the PATH: desktop VS Code is not installed here.', 'install VS Code, or run `npm start` without --desktop for the one in the browser.');
  await setUp(['loader', 'demo'], EDITORS.desktop, program);
  const [command, ...args] = [...EDITORS.desktop.base(program), '--disable-workspace-trust', '--new-window', DEMO];
  await new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: cleanEnvironment(), stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (status) => (status === 0 ? resolve() : reject(new StepFailed(`\`code\` failed with status ${status}.`))));
  });
  process.stdout.write(`\nVS Code is open on ${DEMO}.\n`);
}

await main(async () => {
  const { port, help, desktop: onDesktop } = options();
  if (help) process.stdout.write(HELP);
  else if (onDesktop) await desktop();
  else await serve(port);
});
