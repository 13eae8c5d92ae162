/** What can be traced on a machine, what is missing, and the one thing to do about each. */
import type { DoctorCheck, DoctorReport, LaunchFailure } from '../protocol/launch';
import { LaunchError } from './failure';
import type { ConnectOptions } from './options';
import { openLocal } from './place';
import { gainRights } from './rights';
import { openSsh } from './ssh';

/**
 * Goes the way a trace goes, up to the point where tracing would begin, and reports each step. A failure of a step is
 * a check of the report, not an error; only cancelling rejects.
 * @param host absent: this machine
 * @throws LaunchError `cancelled`
 */
export async function runDoctor(host: string | undefined, options: ConnectOptions): Promise<DoctorReport> {
  const report: DoctorReport = { version: 1, host: host ?? 'this machine', kernel: 'unknown', machine: 'unknown', canTrace: false, checks: [] };
  const connection = host === undefined ? { id: 'loader', title: 'Loader' } : { id: 'connection', title: 'Connection' };
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
    const rights = await gainRights(place, 'auto', options, true);
    report.checks.push({ id: 'privilege', state: 'ok', title: 'Right to trace', detail: rights.how });
    report.checks.push(...rights.report?.checks.filter((check) => check.id !== 'privilege') ?? []);
    report.canTrace = rights.report?.canTrace ?? false;
  } catch (error) {
    report.checks.push(missing({ id: 'privilege', title: 'Right to trace' }, failureOf(error)));
  } finally {
    await place.close();
  }
  return report;
}

function failureOf(error: unknown): LaunchFailure {
  if (error instanceof LaunchError && error.failure.code !== 'cancelled') return error.failure;
  throw error;
}

function missing(step: { id: string; title: string }, failure: LaunchFailure): DoctorCheck {
  return { id: step.id, state: 'missing', title: step.title, detail: failure.message, remedy: failure.hint };
}
