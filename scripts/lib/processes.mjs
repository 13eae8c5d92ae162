// Ending everything a program started, also what left its process group: terminals and language servers do.
import { readFileSync, readdirSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const MARK = 'RINGLIGHT_SESSION';
const GRACE_MS = 4000;

/** An environment whose processes {@link endSession} finds again, whoever their parent has become. */
export function markedEnvironment(env = process.env) {
  const id = randomUUID();
  return { id, env: { ...env, [MARK]: id } };
}

/** Living processes of a session, zombies not counted. Ours only: others' environments are not readable. */
export function sessionProcesses(id) {
  const mark = `${MARK}=${id}`;
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    if (pid === process.pid) return false;
    try { return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark); } catch { return false; }
  });
}

/** Asks all processes of a session to end, and kills those that have not a few seconds later. */
export async function endSession(id) {
  const signal = (name) => { for (const pid of sessionProcesses(id)) try { process.kill(pid, name); } catch { /* gone */ } };
  signal('SIGTERM');
  const deadline = Date.now() + GRACE_MS;
  while (sessionProcesses(id).length > 0 && Date.now() < deadline) await sleep(50);
  while (sessionProcesses(id).length > 0) {
    signal('SIGKILL');
    await sleep(50);
  }
}
