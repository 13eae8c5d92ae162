import { constant } from '../../flow/value';
import { mostEntries, neverRegistered, registrationsIn } from '../../idioms/registrations';
import { ringsOf } from '../../idioms/sqe-chain';
import { sqeFlow } from '../../idioms/sqe';
import { share, surely, takesAnew, type Flags, type Prep } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { bare, statements, type Expr, type Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, Rule, View } from '../rule';
import { fixedBuffersInRust } from './uring-fixed-buffer-misuse.rust';

const BUFFER_SELECT = 32n;

export const uringFixedBufferMisuse: Rule = {
  info: {
    id: 'uring-fixed-buffer-misuse', languages: ['c', 'cpp', 'rust'], severity: 'error', confidence: 'likely',
    summary: 'A fixed-buffer request names a buffer that is not registered, or not there.',
  },
  why: 'Requests on registered buffers take an index and an address inside that buffer. An index that was not registered, or an address of another buffer, fails with -EFAULT.',
  families: ['liburing', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') fixedBuffersInRust(file, report);
  },
  check(file, func, report) {
    if (file.language === 'rust') return;
    if (!file.program.mentions(func, /_fixed\b|register_buffers/)) return;
    for (const { call } of registrationsIn(file, func, 'buffers')) {
      if (!call.discarded) continue;
      report({
        at: placeOf(func, call), severity: 'information',
        message: 'Whether the buffers were registered is not looked at: the memory is pinned and counts against RLIMIT_MEMLOCK, so -ENOMEM is common. Requests on them fail with -EFAULT then.',
      });
    }
    const flow = sqeFlow(file.program, func);
    for (const prep of flow?.of('prep') ?? []) {
      const draft = prep.inside || prep.shape?.bufferIndex === undefined ? undefined : unregistered(file, flow!, prep) ?? badIndex(file, flow!, prep) ?? freed(file, flow!, prep) ?? otherBuffer(file, flow!, prep) ?? otherElement(file, flow!, prep) ?? selected(flow!, prep);
      if (draft) report(draft);
    }
  },
};

function unregistered(file: View, flow: SqeFlow, prep: Prep): Draft | undefined {
  if (!neverRegistered(file, 'buffers', ringsOf(flow, prep.sqes))) return undefined;
  const index = prep.call!.args[prep.shape!.bufferIndex!];
  return index && {
    at: placeOf(flow.flow.func, index),
    message: 'No buffers are registered with this ring: the request fails with -EFAULT. Call io_uring_register_buffers() first, or use the plain operation.',
  };
}

function badIndex(file: View, flow: SqeFlow, prep: Prep): Draft | undefined {
  const e = prep.call!.args[prep.shape!.bufferIndex!];
  const index = e && constant(flow.flow.value(e, prep.memory));
  const count = mostEntries(file, 'buffers');
  if (!e || index === undefined || count === undefined || index < count) return undefined;
  return {
    at: placeOf(flow.flow.func, e),
    message: `There is no registered buffer ${index}: ${count} ${count === 1n ? 'is' : 'are'} registered, from 0 to ${count - 1n}. The request fails with -EFAULT.`,
  };
}

/** The buffer was given back before: the kernel goes on using its pages, and nobody else does. */
function freed(file: View, flow: SqeFlow, prep: Prep): Draft | undefined {
  const { func } = flow.flow;
  const address = prep.shape!.buffer === undefined ? undefined : prep.call!.args[prep.shape!.buffer];
  const base = address && startOf(address);
  const tables = registrationsIn(file, func, 'buffers');
  if (!address || base?.kind !== 'name' || tables.length !== 1 || !tables[0]!.array || file.program.mentions(func, /unregister_buffers|buffers_update/)) return undefined;
  if (!listedBases(file, func, tables[0]!.array)?.includes(base.name)) return undefined;
  const free = flow.of('freed').find((f) => f.call.args[0] && textOf(file, func, bare(f.call.args[0])) === base.name && f.span.start > tables[0]!.call.span.end
    && flow.reaches(f, (x) => x === prep, undefined, { ahead: true }));
  return free && {
    at: placeOf(func, address), related: [{ at: placeOf(func, free), message: 'given back here' }],
    message: `${base.name} was given back, but it is registered with the ring still: the request goes to the pages it had, which the program no longer sees.`,
  };
}

/** The address lies in another buffer of the table, or in none of them. */
function otherBuffer(file: View, flow: SqeFlow, prep: Prep): Draft | undefined {
  const { func } = flow.flow;
  const [address, e] = [prep.shape!.buffer === undefined ? undefined : prep.call!.args[prep.shape!.buffer], prep.call!.args[prep.shape!.bufferIndex!]];
  const index = e && constant(flow.flow.value(e, prep.memory));
  const tables = registrationsIn(file, func, 'buffers');
  if (!address || index === undefined || tables.length !== 1 || !tables[0]!.array) return undefined;
  const base = startOf(address);
  const array = textOf(file, func, tables[0]!.array);
  // iov[1].iov_base with index 0
  if (base.kind === 'member' && base.field === 'iov_base') {
    const element = bare(base.object);
    const at = element.kind === 'index' && element.index && textOf(file, func, element.object) === array ? constant(flow.flow.value(element.index, prep.memory)) : undefined;
    return at !== undefined && at !== index ? wrong(func, address, index) : undefined;
  }
  const bases = listedBases(file, func, tables[0]!.array);
  const own = bases?.[Number(index)];
  if (base.kind !== 'name' || own === undefined || own === base.name || !bases!.every((b) => /^\w+$/.test(b))) return undefined;
  const local = func.locals.get(base.id);
  return bases!.includes(base.name) || (local?.array && !func.params.includes(local)) ? wrong(func, address, index) : undefined;
}
/** `iov[2 * i].iov_base` with index `2 * i + 1`: whatever i is, they are not the same. */
function otherElement(file: View, flow: SqeFlow, prep: Prep): Draft | undefined {
  const { func } = flow.flow;
  const [address, index] = [prep.shape!.buffer === undefined ? undefined : prep.call!.args[prep.shape!.buffer], prep.call!.args[prep.shape!.bufferIndex!]];
  const base = address && startOf(address);
  const element = base?.kind === 'member' && base.field === 'iov_base' ? bare(base.object) : undefined;
  if (!address || !index || element?.kind !== 'index' || !element.index) return undefined;
  const table = textOf(file, func, element.object);
  const all = file.program.functions(/register_buffers/).flatMap((f) => registrationsIn(file, f, 'buffers').map((r) => (r.array ? file.source(placeOf(f, r.array)).replace(/\s/g, '') : undefined)));
  if (all.length !== 1 || all[0] !== table) return undefined;
  const apart = distance(sumOf(file, func, index), sumOf(file, func, element.index));
  return apart === undefined || apart === 0n ? undefined : {
    at: placeOf(func, index),
    message: `This is the index of another buffer than that of the address, ${apart > 0n ? apart : -apart} ${apart > 0n ? 'further on' : 'before it'}: the request fails with -EFAULT.`,
  };
}
/** A sum of products with constants: how often each text is in it, and the constant, under ''. */
function sumOf(file: View, func: Func, e: Expr): Map<string, bigint> | undefined {
  const inner = bare(e);
  const fixed = constant(file.program.constantValue(inner));
  if (fixed !== undefined) return new Map([['', fixed]]);
  if (inner.kind === 'binary' && (inner.op === '+' || inner.op === '-')) {
    const [left, right] = [sumOf(file, func, inner.left), sumOf(file, func, inner.right)];
    return left && right && merge(left, right, inner.op === '+' ? 1n : -1n);
  }
  if (inner.kind === 'binary' && inner.op === '*') {
    for (const [one, other] of [[inner.left, inner.right], [inner.right, inner.left]] as const) {
      const factor = constant(file.program.constantValue(one));
      const rest = factor === undefined ? undefined : sumOf(file, func, other);
      if (factor !== undefined) return rest && merge(new Map(), rest, factor);
    }
    return undefined;
  }
  return inner.kind === 'name' ? new Map([[inner.id, 1n]]) : undefined;
}
function merge(a: ReadonlyMap<string, bigint>, b: ReadonlyMap<string, bigint>, factor: bigint): Map<string, bigint> {
  const out = new Map(a);
  for (const [key, n] of b) out.set(key, (out.get(key) ?? 0n) + factor * n);
  return out;
}
function distance(a: ReadonlyMap<string, bigint> | undefined, b: ReadonlyMap<string, bigint> | undefined): bigint | undefined {
  if (!a || !b) return undefined;
  const apart = merge(a, b, -1n);
  return [...apart].every(([key, n]) => key === '' || n === 0n) ? apart.get('') ?? 0n : undefined;
}
function wrong(func: Func, address: Expr, index: bigint): Draft {
  return { at: placeOf(func, address), message: `This address does not lie in registered buffer ${index}: the request fails with -EFAULT.` };
}
function startOf(e: Expr): Expr {
  const inner = bare(e);
  return inner.kind === 'binary' && (inner.op === '+' || inner.op === '-') ? startOf(inner.left) : inner;
}
/** First members of `struct iovec iov[] = { { a, 4096 }, … }`, as written. */
function listedBases(file: View, func: Func, array: Expr): string[] | undefined {
  const inner = bare(array);
  if (inner.kind !== 'name') return undefined;
  for (const s of statements(func.body)) {
    if (s.kind !== 'declare' || s.local.id !== inner.id || s.init?.kind !== 'list') continue;
    const bases = s.init.items.map((i) => {
      const first = i.value.kind === 'list' ? i.value.items.find((f) => f.field === 'iov_base') ?? i.value.items[0] : undefined;
      return first && (first.field === undefined || first.field === 'iov_base') ? textOf(file, func, bare(first.value)) : '?';
    });
    return bases;
  }
  return undefined;
}
function textOf(file: View, func: Func, e: Expr): string {
  return file.source(placeOf(func, e)).replace(/\s/g, '');
}

/** The ring cannot choose the buffer of a request that names one. */
function selected(flow: SqeFlow, prep: Prep): Draft | undefined {
  const flags = flow.of('flags').find((f) => !f.inside && share(f.sqes, prep.sqes) && f.how !== 'remove' && surely(f.bits, BUFFER_SELECT)
    && isOnly(flow, prep, f));
  return flags && {
    at: placeOf(flow.flow.func, flags),
    message: 'A request on a registered buffer names its buffer: with IOSQE_BUFFER_SELECT it fails with -EINVAL. Use one or the other.',
    related: [{ at: placeOf(flow.flow.func, prep), message: 'prepared here' }],
  };
}
/** No other preparation of the same sqe leads there: which of them it was may decide about the flags too. */
function isOnly(flow: SqeFlow, prep: Prep, flags: Flags): boolean {
  return flow.of('prep').every((p) => (p === prep) === (share(p.sqes, prep.sqes) && flow.reaches(p, (x) => x === flags, (x) => takesAnew(x, prep.sqes), { ahead: true })));
}
