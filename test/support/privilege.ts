/** Whether tests may trace on this machine. */
import { existsSync, readFileSync } from 'node:fs';

const CAP_PERFMON = 38n;
const CAP_BPF = 39n;

/** Why nothing can be traced here, for the name of a skipped test; empty when it can. */
export const WHY_NO_TRACING = reason();

function reason(): string {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on x86-64';
  if (process.getuid?.() !== 0) return 'needs root to trace';
  const held = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  if (((held >> CAP_BPF) & (held >> CAP_PERFMON) & 1n) === 0n) return 'needs CAP_BPF and CAP_PERFMON';
  if (!existsSync('/sys/kernel/btf/vmlinux')) return 'needs a kernel with BTF';
  return '';
}
