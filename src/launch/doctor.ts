/** What can be traced on a machine, what is missing, and the one thing to do about each. */
import type { DoctorCheck, DoctorReport, LaunchFailure } from '../protocol/launch';
import { LaunchError } from './failure';
import type { ConnectOptions } from './options';
import { openLocal } from './place';
import { gainRights, type LoaderReport } from './rights';
import { openSsh } from './ssh';

const RIGHT = { id: 'privilege', title: 'Right to trace' };

/**
 * Goes the way a trace goes, up to the point where tracing would begin, and reports each step. A failure of a step is
 * a check of the report, not an error; only cancelling rejects.
 * @param host absent: this machine
 * @throws LaunchError `cancelled`
 */
export async function runDoctor(host: string | undefined, options: ConnectOptions): Promise<DoctorReport> {
  const report: DoctorReport = { version: 1, host: host ?? 'this machine', kernel: 'unknown', machine: 'unknown', canTrace: false, checks: [] };
  const connection = host === undefined ? { id: 'loader', title: 'Loader' } : { id: 'connection', title: 'Connection' };
  let loader: LoaderReport | undefined;
  let place;
  try {
    place = host === undefined ? await openLocal(options) : await openSsh(host, options);
  } catch (error) {
    report.checks.push(missing(connection, failureOf(error)));
    return report;
  }
  try {
    report.kernel = place.facts.kernel;
    report.machine = place.facts.machine;
    report.checks.push({ ...connection, state: 'ok', detail: host === undefined ? place.loader : `logged in as ${place.facts.user}; the loader is at ${place.loader}` });
    const rights = await gainRights(place, 'auto', options, (seen) => { loader = seen; });
    report.canTrace = loader?.canTrace ?? false;
    const held = loader?.checks.find((check) => check.id === 'capabilities')?.detail;
    report.checks.push({ ...RIGHT, state: 'ok', detail: `${rights.how}${held === undefined ? '' : `: ${held}`}` });
  } catch (error) {
    report.checks.push(missing(RIGHT, failureOf(error)));
  } finally {
    await place.close();
  }
  // without the right to trace, the loader could not try its programs: that is one thing missing, not three
  report.checks.push(...loader?.checks.filter(({ id }) => id !== 'capabilities' && (report.canTrace || id !== 'programs')) ?? []);
  return report;
}

function failureOf(error: unknown): LaunchFailure {
  if (error instanceof LaunchError && error.failure.code !== 'cancelled') return error.failure;
  throw error;
}

function missing(step: { id: string; title: string }, failure: LaunchFailure): DoctorCheck {
  return { id: step.id, state: 'missing', title: step.title, detail: failure.message, remedy: failure.hint };
}
