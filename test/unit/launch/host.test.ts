import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LaunchError } from '../../../src/launch/failure';
import { checkHost } from '../../../src/launch/host';

describe('host names', () => {
  test.each(['box', 'me@box', 'box.example.org', '10.0.0.1', 'fe80::1%eth0', '[::1]', 'ssh://me@box:2222', 'büro'])('%s may be used', (host) => {
    expect(() => checkHost(host)).not.toThrow();
  });

  test.each(['', '-oProxyCommand=touch /tmp/x', '-v', 'a b', 'a\tb', 'a\nb', 'a\0b', 'a\u200bb', 'a\u202eb', '$(id)', '`id`', 'a;b', 'a|b', "a'b", 'a&b', 'x'.repeat(300)])('%j is refused', (host) => {
    expect(() => checkHost(host)).toThrow(LaunchError);
    try {
      checkHost(host);
    } catch (error) {
      expect((error as LaunchError).failure).toMatchObject({ code: 'bad-host' });
    }
  });

  test('nothing that starts like an option or holds white space ever passes', () => {
    fc.assert(fc.property(fc.string(), fc.constantFrom('-', ' ', '\n', '\t', '\x1b'), (text, bad) => {
      expect(() => checkHost(bad + text)).toThrow(LaunchError);
      if (bad !== '-') expect(() => checkHost(text + bad)).toThrow(LaunchError);
    }));
  });
});
