/** Which host names may reach ssh's command line. */
import { fail } from './failure';

/**
 * Refuses what ssh would take for an option, and what a `ProxyCommand` with `%h` would hand to a shell
 * (OpenSSH refuses these itself only since 9.6).
 * @throws LaunchError `bad-host`
 */
export function checkHost(host: string): void {
  const wrong = host === '' ? 'is empty'
    : host.startsWith('-') ? 'starts with “-” and would be taken for an option'
    : /[\s\p{C}]/u.test(host) ? 'holds white space or control characters'
    : /['"`$\\;&<>|(){}]/.test(host) ? 'holds characters that mean something to a shell'
    : host.length > 255 ? 'is longer than 255 characters'
    : undefined;
  if (wrong) throw fail('bad-host', `The host name ${JSON.stringify(host.slice(0, 80))} ${wrong}.`, 'Use a Host of your ssh configuration, or user@name.');
}
