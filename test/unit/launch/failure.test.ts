import { describe, expect, test } from 'vitest';
import { sshFailure, sudoRefusal, tidy } from '../../../src/launch/failure';

/** What OpenSSH prints with LogLevel ERROR. Those that a sshd on loopback can provoke are tested with one, too. */
describe('ssh', () => {
  test.each([
    ['host-key', '@@@@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@@\nHost key for box has changed and you have requested strict checking.\nHost key verification failed.'],
    ['host-key', 'No ED25519 host key is known for box and you have requested strict checking.\r\nHost key verification failed.\r\n'],
    ['auth', 'me@box: Permission denied (publickey,password).\r\n'],
    ['auth', 'Received disconnect from 192.0.2.7 port 22:2: Too many authentication failures\r\nDisconnected from 192.0.2.7 port 22\r\n'],
    ['unreachable', 'ssh: Could not resolve hostname box: Name or service not known\r\n'],
    ['unreachable', 'ssh: connect to host box port 22: Connection refused\r\n'],
    ['unreachable', 'ssh: connect to host box port 22: Connection timed out\r\n'],
    ['unreachable', 'ssh: connect to host box port 22: No route to host\r\n'],
    ['unreachable', 'kex_exchange_identification: Connection closed by remote host\r\nConnection closed by 192.0.2.7 port 22\r\n'],
    ['ssh-failed', '/home/me/.ssh/config: line 3: Bad configuration option: hostnam\r\n/home/me/.ssh/config: terminating, 1 bad configuration options\r\n'],
    ['ssh-failed', 'Bad owner or permissions on /home/me/.ssh/config\r\n'],
    ['ssh-failed', 'mux_client_request_session: session request failed: Session open refused by peer\r\n'],
    ['ssh-failed', 'something new\n'],
  ])('%s: %j', (code, stderr) => {
    const failure = sshFailure('box', stderr);
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(/box|ssh/);
    expect(failure.hint).not.toBe('');
    expect(failure.detail).not.toMatch(/\r/);
  });

  test('a changed key is not mistaken for an unknown one', () => {
    expect(sshFailure('box', 'WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed.').message).toMatch(/not the one/);
  });
});

/** What sudo 1.9 prints with LC_ALL=C. */
describe('sudo', () => {
  test.each([
    ['password', 1, 'sudo: a password is required\n'],
    ['password', 1, 'sudo: a terminal is required to read the password; either use the -S option to read from standard input or configure an askpass helper\nsudo: a password is required\n'],
    ['password', 1, '\nsudo: no password was provided\nsudo: a password is required\n'],
    ['wrong-password', 1, 'Sorry, try again.\nSorry, try again.\nsudo: 3 incorrect password attempts\n'],
    ['not-allowed', 1, "Sorry, user me is not allowed to execute '/x/ringlight-loader --doctor' as root on box.\n"],
    ['not-allowed', 1, 'me is not in the sudoers file.\n'],
    ['tty', 1, 'sudo: sorry, you must have a tty to run sudo\n'],
    ['no-new-privileges', 1, 'sudo: The "no new privileges" flag is set, which prevents sudo from running as root.\nsudo: If sudo is running in a container, you may need to adjust the container configuration to disable the flag.\n'],
    ['missing', 127, "env: 'sudo': No such file or directory\n"],
    ['missing', 126, "env: 'sudo': Permission denied\n"],
    ['other', 1, 'sudo: something new\n'],
  ] as const)('%s: status %d %j', (refusal, code, stderr) => {
    expect(sudoRefusal(code, stderr)).toBe(refusal);
  });
});

test('words of another machine lose their control characters, not their lines', () => {
  expect(tidy('\x1b[31mred\x1b[0m\r\nnext\x07\u202e\ttab')).toBe('[31mred[0m\nnext\ttab');
  expect(tidy('x'.repeat(5000))).toHaveLength(2000);
});
