/**
 * A real VS Code for tests, in two forms: the VS Code server with our extension in development, in which a mocha suite
 * runs inside the extension host ({@link runSuite}); and code-server with the VSIX installed, as a user has it, with its
 * workbench open in Chromium ({@link openInstalled}).
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CODE_SERVER, ROOT } from '../../scripts/lib/paths.mjs';
import { freePort, untilListening } from '../../scripts/lib/ports.mjs';
import { endSession, markedEnvironment, sessionProcesses } from '../../scripts/lib/processes.mjs';
import { artifact } from './artifacts';
import { launchChromium } from './chromium';
import { Workbench } from './workbench';

export interface SuiteTest { title: string; state: 'passed' | 'failed' | 'skipped'; milliseconds: number; message?: string }
export interface SuiteReport {
  /** undefined: the suite did not come to its end; `log` tells how far it got */
  tests?: SuiteTest[];
  /** what the extension host and the suite printed */
  log: string;
}

interface Server { port: number; said(): string; processes(): number[]; stop(): Promise<void> }

/** Settings of every VS Code started for a test; a test's own come on top. */
const QUIET_SETTINGS = {
  'workbench.startupEditor': 'none', 'workbench.tips.enabled': false, 'workbench.enableExperiments': false, 'telemetry.telemetryLevel': 'off',
  'extensions.ignoreRecommendations': true, 'extensions.autoCheckUpdates': false, 'git.enabled': false, 'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden', 'editor.minimap.enabled': false,
  // drawn as text in the document, which tests can read
  'terminal.integrated.gpuAcceleration': 'off',
};

function requireCodeServer(): void {
  if (!existsSync(CODE_SERVER.entry)) throw new Error('VS Code for tests is not installed: run `node scripts/setup.mjs vscode browser`');
}

/** Starts a server on a free loopback port and waits until it answers. All processes it ever starts end with `stop`. */
async function startServer(argv: (port: number) => string[], environment: NodeJS.ProcessEnv): Promise<Server> {
  requireCodeServer();
  const port = await freePort();
  const { id, env } = markedEnvironment(environment);
  const child: ChildProcess = spawn(CODE_SERVER.node, argv(port), { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let gone = false;
  child.stdout?.on('data', (data: Buffer) => { said += data.toString(); });
  child.stderr?.on('data', (data: Buffer) => { said += data.toString(); });
  child.on('exit', () => { gone = true; });
  if (!await untilListening(port, () => gone)) {
    await endSession(id);
    throw new Error(`the VS Code server did not start:\n${said}`);
  }
  return { port, said: () => said, processes: () => sessionProcesses(id), stop: () => endSession(id) };
}

/** The environment without what would tie a new VS Code to one around us. */
function cleanEnvironment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(VSCODE_|ELECTRON_RUN_AS_NODE$|VITEST|NODE_ENV$|NODE_OPTIONS$)/.test(name));
  return { ...Object.fromEntries(kept), ...more };
}

export interface SuiteOptions {
  /** workspace folder to open, absolute */
  folder: string;
  /** folder of the extension under development; default: this repository */
  extension?: string;
  /** module with an exported `run()`; default: dist/test/suite.js */
  suite?: string;
  deadlineMs?: number;
  settings?: Record<string, unknown>;
}

/** Runs a suite inside a real extension host, with the real `vscode` API, and collects what it found. */
export async function runSuite({ folder, extension = ROOT, suite = join(ROOT, 'dist/test/suite.js'), deadlineMs = 480_000, settings = {} }: SuiteOptions): Promise<SuiteReport> {
  if (!existsSync(suite)) throw new Error(`${suite} is not built: run \`npm run build\``);
  const base = mkdtempSync(join(tmpdir(), 'ringlight-suite-'));
  const results = join(base, 'results.json');
  const machineSettings = join(base, 'server/data/Machine/settings.json');
  mkdirSync(dirname(machineSettings), { recursive: true });
  writeFileSync(machineSettings, JSON.stringify({ ...QUIET_SETTINGS, ...settings }));
  const server = await startServer((port) => [
    CODE_SERVER.inner, '--host', '127.0.0.1', '--port', String(port), '--without-connection-token', '--accept-server-license-terms',
    '--enable-smoke-test-driver', '--disable-workspace-trust', '--telemetry-level', 'off', '--server-data-dir', join(base, 'server'), '--extensions-dir', join(base, 'extensions'),
  ], cleanEnvironment({ RINGLIGHT_SUITE_RESULTS: results }));
  const browser = await launchChromium();
  try {
    const page = await (await browser.newContext({ viewport: { width: 1400, height: 900 } })).newPage();
    const lines: string[] = [];
    page.on('console', (message) => { lines.push(message.text()); });
    // the test driver of VS Code calls these when an extension test runner prints and ends
    await page.exposeFunction('codeAutomationLog', (_type: string, args: unknown[]) => { lines.push(args.map(String).join(' ')); });
    const ended = new Promise<'ended'>((resolve) => void page.exposeFunction('codeAutomationExit', () => resolve('ended')));
    const remote = (path: string) => `vscode-remote://127.0.0.1:${server.port}${path}`;
    const payload = JSON.stringify([['extensionDevelopmentPath', remote(extension)], ['extensionTestsPath', remote(suite)]]);
    await page.goto(`http://127.0.0.1:${server.port}/?folder=${encodeURIComponent(folder)}&payload=${encodeURIComponent(payload)}`);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => { timer = setTimeout(() => resolve('late'), deadlineMs); });
    const outcome = await Promise.race([ended, late]);
    clearTimeout(timer);
    if (outcome === 'late' || !existsSync(results)) {
      await page.screenshot({ path: artifact('suite-unfinished.png') });
      return { log: `${lines.join('\n')}\n${server.said()}` };
    }
    return { tests: (JSON.parse(readFileSync(results, 'utf8')) as { tests: SuiteTest[] }).tests, log: lines.join('\n') };
  } finally {
    await browser.close();
    await server.stop();
    rmSync(base, { recursive: true, force: true });
  }
}

export interface InstalledOptions {
  folder: string;
  vsix: string;
  settings?: Record<string, unknown>;
  env?: NodeJS.ProcessEnv;
  /** the folder is opened as one that nobody trusts yet; default: trust is not asked for */
  restricted?: boolean;
}
export interface Installed {
  workbench: Workbench;
  /** folder the VSIX was unpacked to */
  extensionFolder: string;
  /** living processes of this VS Code, terminals and what they started included */
  processes(): number[];
  close(): Promise<void>;
}

/** Installs a VSIX into a fresh code-server and opens a folder in Chromium, as a user would have it. */
export async function openInstalled({ folder, vsix, settings = {}, env = {}, restricted = false }: InstalledOptions): Promise<Installed> {
  requireCodeServer();
  const base = mkdtempSync(join(tmpdir(), 'ringlight-vscode-'));
  const own = ['--config', join(base, 'config.yaml'), '--user-data-dir', join(base, 'data'), '--extensions-dir', join(base, 'extensions')];
  mkdirSync(join(base, 'data/User'), { recursive: true });
  writeFileSync(join(base, 'config.yaml'), 'auth: none\n');
  writeFileSync(join(base, 'data/User/settings.json'), JSON.stringify({ ...QUIET_SETTINGS, ...settings }));
  const environment = cleanEnvironment(env);
  const installed = spawnSync(CODE_SERVER.node, [CODE_SERVER.entry, ...own, '--install-extension', vsix], { env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (installed.status !== 0) throw new Error(`${vsix} could not be installed:\n${installed.stdout}${installed.stderr}`);
  const manifest = JSON.parse(readFileSync(join(base, 'extensions/extensions.json'), 'utf8')) as { relativeLocation: string }[];
  const server = await startServer((port) => [
    CODE_SERVER.entry, ...own, '--auth', 'none', '--bind-addr', `127.0.0.1:${port}`,
    ...(restricted ? [] : ['--disable-workspace-trust']), '--disable-telemetry', '--disable-update-check', '--disable-getting-started-override', folder,
  ], environment);
  const browser = await launchChromium();
  const close = async (): Promise<void> => {
    await browser.close();
    await server.stop();
    rmSync(base, { recursive: true, force: true });
  };
  try {
    const page = await (await browser.newContext({ viewport: { width: 1400, height: 900 } })).newPage();
    await page.goto(`http://127.0.0.1:${server.port}/?folder=${encodeURIComponent(folder)}`);
    const workbench = new Workbench(page);
    await workbench.ready();
    return { workbench, extensionFolder: join(base, 'extensions', manifest[0]?.relativeLocation ?? ''), processes: server.processes, close };
  } catch (error) {
    await close();
    throw error;
  }
}
