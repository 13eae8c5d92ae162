/** Getting the right to trace: as is, by sudo without a password, by sudo with one that is asked for. */
import { randomBytes } from 'node:crypto';
import type { DoctorReport, LaunchFailure, TraceRequest } from '../protocol/launch';
import { end, finished, type Finished } from './child';
import { cancelled, fail, LaunchError, sudoRefusal, tidy, type SudoRefusal } from './failure';
import { PromptFilter } from './marker';
import type { ConnectOptions } from './options';
import type { Place } from './place';
import { INSTALLED_LOADER } from './scripts';

/** How to start the loader so that it may trace. */
export interface Rights {
  /** arguments before the loader's own: empty, or sudo's */
  prefix: string[];
  /** written to stdin each time `prompt` shows up on stderr; never logged */
  password?: string;
  prompt?: string;
  /** for the log and the doctor: "as user root" */
  how: string;
}

/** What `ringlight-loader --doctor` prints. */
export type LoaderReport = Pick<DoctorReport, 'canTrace' | 'checks'> & Partial<DoctorReport>;

/** C locale: the refusals of sudo are told apart by their words. */
const SUDO = ['env', 'LC_ALL=C', 'sudo'];

/**
 * Climbs the ladder until the loader says that it can trace.
 * @param onReport wants what the loader's doctor says on each rung; it is then asked even where nothing stands in the way
 * @throws LaunchError `no-privilege`, `no-btf`, `cannot-trace`, `cancelled`, `no-loader`, or of the connection
 */
export async function gainRights(place: Place, wanted: NonNullable<TraceRequest['privilege']>, options: ConnectOptions, onReport?: (report: LoaderReport) => void): Promise<Rights> {
  if (wanted !== 'sudo') {
    const asIs: Rights = { prefix: [], how: `as user ${place.facts.user}` };
    if (place.facts.uid === 0 && !onReport) return asIs;
    const report = readReport(place, await ask(place, asIs, options));
    onReport?.(report);
    if (report.canTrace) return asIs;
    if (place.facts.uid === 0) throw new LaunchError(reportFailure(place, report));
    if (wanted === 'none') throw noPrivilege(place, 'it was to run without sudo', installHint(place), undefined);
    options.onLog('info', `${place.name}: ${place.facts.user} may not trace as is, trying sudo`);
  }

  const silent: Rights = { prefix: [...SUDO, '-n', '--'], how: 'with sudo' };
  const result = await ask(place, silent, options);
  const report = tryReport(result.stdout);
  if (report) return granted(place, silent, report, onReport);
  const refusal = sudoRefusal(result.code, result.stderr);
  if (refusal !== 'password') throw refused(place, refusal, result.stderr);
  return withPassword(place, options, onReport);
}

async function withPassword(place: Place, options: ConnectOptions, onReport?: (report: LoaderReport) => void): Promise<Rights> {
  const { facts, name } = place;
  const { ask: askUser } = options;
  if (!askUser) throw noPrivilege(place, 'sudo wants a password there and nobody can be asked', installHint(place), undefined);
  const prompt = `ringlight-${randomBytes(8).toString('hex')}:`;
  // -k: a password remembered by sudo is not used, so the prompt always comes and stdin is never mistaken for one
  const rights: Rights = { prefix: [...SUDO, '-k', '-S', '-p', prompt, '--'], prompt, how: 'with sudo and a password' };
  let asked = 0;
  let gaveUp = false;
  const result = await ask(place, rights, options, async () => {
    const question = `${asked++ > 0 ? 'sudo did not accept that. ' : ''}Password of ${facts.user} on ${name}, for sudo:`;
    rights.password = await askUser(question, true);
    gaveUp = rights.password === undefined;
    return rights.password;
  });
  if (gaveUp) throw cancelled();
  const report = tryReport(result.stdout);
  if (report) return granted(place, rights, report, onReport);
  const words = rights.password ? result.stderr.replaceAll(rights.password, '…') : result.stderr;
  throw refused(place, sudoRefusal(result.code, words), words);
}

/** Runs the loader's doctor on one rung. `onPrompt` answers sudo; undefined gives up. */
async function ask(place: Place, rights: Rights, options: ConnectOptions, onPrompt?: () => Promise<string | undefined>): Promise<Finished> {
  if (options.signal?.aborted) throw cancelled();
  const child = place.spawn([...rights.prefix, place.loader, '--doctor']);
  if (rights.prompt !== undefined && onPrompt) {
    const filter = new PromptFilter(rights.prompt, () => void onPrompt().then(
      (answer) => answer === undefined ? end(child, 0) : child.stdin.write(`${answer}\n`),
      () => end(child, 0)));
    child.stderr.on('data', (chunk: Buffer) => filter.feed(chunk.toString('utf8')));
  } else {
    child.stdin.end();
  }
  const result = await finished(child, options.signal);
  if (options.signal?.aborted) throw cancelled();
  const lost = await place.explain(result);
  if (lost) throw new LaunchError(lost);
  return { ...result, stderr: ownWords(place, result.stderr).replaceAll(rights.prompt ?? '\0', '') };
}

/** stderr without what the login shell printed. */
function ownWords(place: Place, stderr: string): string {
  const at = place.stderrMarker === undefined ? -1 : stderr.indexOf(place.stderrMarker);
  return at < 0 ? stderr : stderr.slice(at + place.stderrMarker!.length);
}

function granted(place: Place, rights: Rights, report: LoaderReport, onReport?: (report: LoaderReport) => void): Rights {
  onReport?.(report);
  if (!report.canTrace) throw new LaunchError(reportFailure(place, report));
  return rights;
}

function tryReport(stdout: string): LoaderReport | undefined {
  const start = stdout.indexOf('{');
  if (start < 0) return undefined;
  try {
    const value = JSON.parse(stdout.slice(start)) as Partial<LoaderReport>;
    return typeof value.canTrace === 'boolean' && Array.isArray(value.checks) ? { ...value, canTrace: value.canTrace, checks: value.checks } : undefined;
  } catch {
    return undefined;
  }
}

function readReport(place: Place, result: Finished): LoaderReport {
  const report = tryReport(result.stdout);
  if (report) return report;
  throw fail('no-loader', `The loader does not run on ${place.name} (${result.missing ?? result.signal ?? `status ${result.code}`}).`,
    `Run “${place.loader} --doctor” there to see why.`, result.stderr);
}

/** What stands in the way, by the loader's own word. */
function reportFailure(place: Place, report: LoaderReport): LaunchFailure {
  const check = report.checks.find((c) => c.state === 'missing');
  return {
    code: check && /btf/i.test(check.id) ? 'no-btf' : 'cannot-trace',
    message: check ? `${place.name} cannot trace: ${tidy(check.title)}. ${tidy(check.detail)}` : `The loader cannot trace on ${place.name}.`,
    hint: check?.remedy !== undefined ? tidy(check.remedy) : 'Run “ringlight doctor” for the details.',
  };
}

function noPrivilege(place: Place, why: string, hint: string, detail: string | undefined): LaunchError {
  return fail('no-privilege', `${place.facts.user} may not trace on ${place.name}: ${why}.`, hint, detail);
}

function refused(place: Place, refusal: SudoRefusal, stderr: string): LaunchError {
  const { user } = place.facts;
  const because = (why: string, hint = installHint(place)) => noPrivilege(place, why, hint, stderr);
  switch (refusal) {
    case 'missing': return because('it is not root, and sudo is not installed there');
    case 'tty': return because('sudo there insists on a terminal (requiretty)', `Add to sudoers there: Defaults:${user} !requiretty`);
    case 'not-allowed': return because('it is not root, and sudo does not let it run the loader');
    case 'no-new-privileges': return because('the “no new privileges” flag is set there (a container?), so sudo cannot work', 'Start the container without that flag, or trace from the machine it runs on.');
    case 'password':
    case 'wrong-password': return because('sudo did not accept the password', 'Try again with the password that sudo takes there.');
    case 'other': return because('sudo did not run the loader', `Make “sudo ${place.loader} --version” work there first.`);
  }
}

/** The remedy that works without sudo: the capabilities tracing needs, on a copy only root can change. */
function installHint(place: Place): string {
  const { user } = place.facts;
  return `Trace as root, let ${user} use sudo, or have root run there: install -D -m 750 -g "$(id -gn ${user})" ${place.loader} ${INSTALLED_LOADER} && setcap cap_bpf,cap_perfmon,cap_dac_read_search+ep ${INSTALLED_LOADER}`;
}
