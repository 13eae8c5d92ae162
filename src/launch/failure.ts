/** Failures a person reads, and how the words of ssh and sudo become one. */
import type { LaunchFailure } from '../protocol/launch';

/** Carries a {@link LaunchFailure} through the phases of a launch. */
export class LaunchError extends Error {
  constructor(readonly failure: LaunchFailure) {
    super(failure.message);
  }
}

export function fail(code: LaunchFailure['code'], message: string, hint: string, detail?: string): LaunchError {
  return new LaunchError({ code, message, hint, ...(detail ? { detail: tidy(detail) } : {}) });
}

export function cancelled(): LaunchError {
  return fail('cancelled', 'The trace was cancelled before it started.', 'Start it again when you are ready.');
}

/** A program's words for a message: no control characters (they come from another machine), the last 2000 characters. */
export function tidy(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/[^\P{C}\n\t]/gu, '').trim().slice(-2000);
}

/**
 * Names what went wrong from ssh's stderr (LogLevel ERROR, untranslated by OpenSSH) after it left with status 255.
 * `host` is the name as the user wrote it.
 */
export function sshFailure(host: string, stderr: string): LaunchFailure {
  const detail = tidy(stderr);
  const as = (code: LaunchFailure['code'], message: string, hint: string): LaunchFailure => ({ code, message, hint, detail });
  const says = (pattern: RegExp) => pattern.test(stderr);

  if (says(/REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed/)) {
    return as('host-key', `The host key of ${host} is not the one your known_hosts file has: someone may be in between, or the machine was reinstalled.`,
      'If you know why it changed, remove the old key with the ssh-keygen -R command that ssh prints, then connect once in a terminal.');
  }
  if (says(/REVOKED HOST KEY|host key .* revoked/i)) {
    return as('host-key', `The host key of ${host} is marked as revoked.`, 'Ask who runs the machine for its new key.');
  }
  if (says(/Host key verification failed|host key is known for/)) {
    return as('host-key', `The host key of ${host} is not known yet.`, `Run “ssh ${host}” once in a terminal and accept its key after comparing the fingerprint.`);
  }
  if (says(/Permission denied \(|Too many authentication failures|No more authentication methods|Permission denied, please try again/)) {
    return as('auth', `${host} did not accept this login.`, `Make “ssh ${host}” work in a terminal first: check the user name, and that the key is loaded (ssh-add -l).`);
  }
  if (says(/Could not resolve hostname|Name or service not known|Temporary failure in name resolution/)) {
    return as('unreachable', `The name ${host} does not resolve to an address.`, 'Check the spelling, and HostName in your ssh configuration.');
  }
  if (says(/Session open refused by peer/)) {
    return as('ssh-failed', `${host} refuses a second session on one connection.`, 'Allow at least two: MaxSessions in its sshd_config.');
  }
  if (says(/Bad configuration option|Bad owner or permissions|terminating, \d+ bad configuration|Can't open user config file|no argument after keyword/i)) {
    return as('ssh-failed', 'ssh refuses its own configuration.', 'Correct the file and line that it names.');
  }
  if (says(/Connection refused/)) {
    return as('unreachable', `Nothing listens for ssh on ${host}.`, 'Check that sshd runs there, and Port in your ssh configuration.');
  }
  if (says(/timed out|No route to host|Network is unreachable|Connection closed by|Connection reset by|kex_exchange_identification|Broken pipe/i)) {
    return as('unreachable', `${host} cannot be reached.`, `Check that the machine is on, and that “ssh ${host}” connects in a terminal.`);
  }
  return as('ssh-failed', `ssh could not connect to ${host}.`, `Run “ssh ${host}” in a terminal to see why.`);
}

/** Why `sudo` did not run the loader, from its stderr (LC_ALL=C); `password` when it only wants one. */
export type SudoRefusal = 'password' | 'missing' | 'tty' | 'not-allowed' | 'wrong-password' | 'no-new-privileges' | 'other';

export function sudoRefusal(code: number | null, stderr: string): SudoRefusal {
  const says = (pattern: RegExp) => pattern.test(stderr);
  if (says(/no new privileges/i)) return 'no-new-privileges';
  if (says(/must have a tty/)) return 'tty';
  if (says(/incorrect password attempt/)) return 'wrong-password';
  if (says(/not in the sudoers file|is not allowed to (execute|run)|may not run sudo/)) return 'not-allowed';
  if (says(/a password is required|a terminal is required to (read the password|authenticate)|no password was provided/)) return 'password';
  if (code === 126 || code === 127 || says(/sudo.*(not found|No such file)/)) return 'missing';
  return 'other';
}
