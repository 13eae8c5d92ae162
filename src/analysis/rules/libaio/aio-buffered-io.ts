import { AIO_MARK, AIO_OTHER_MARK, AIO_SUBMIT } from '../../api/models';
import { AIO_TRANSFERS } from '../../api/names';
import type { Flow } from '../../flow/program';
import type { Effect } from '../../flow/summary';
import { callNumber, constant, equal, integers, type Atom, type Value } from '../../flow/value';
import { sameList } from '../../memo';
import { bare, placeIn, walk, type Call, type Func, type Place } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import { directFixes } from './open-direct-fix';
import type { Draft, Rule } from '../rule';

export type Open = Extract<Atom, { kind: 'call' }>;
type Mark = Extract<Atom, { kind: 'mark' }>;

const O_DIRECT = 0o40000n;
/** Position of the flags among an open call's arguments. */
const OPENS: Record<string, number> = { open: 1, open64: 1, openat: 2, openat64: 2 };
const MESSAGE = 'io_submit() blocks here: the file was opened without O_DIRECT, so the kernel does the whole transfer inside the call.';
const LIKELY = 'This request will not be asynchronous: the file was opened without O_DIRECT, so io_submit() does the whole transfer before it returns.';

export const aioBufferedIo: Rule = {
  info: {
    id: 'aio-buffered-io', languages: ['c', 'cpp'], severity: 'warning', confidence: 'likely',
    summary: 'libaio on a file opened without O_DIRECT: io_submit does the whole transfer before it returns.',
  },
  why: 'Linux AIO is asynchronous only for direct I/O. On a file opened without O_DIRECT, io_submit() copies through the page cache and returns when the transfer is over, so nothing overlaps.',
  families: ['libaio'],
  checkFile(file, report) {
    file.program.memo.derived(file.program, 'drafts on buffered aio', () => drafts(file)).forEach(report);
  },
};

function drafts(file: SourceFile): Draft[] {
  const { program } = file;
  const out: Draft[] = [];
  if (program.defines('io_submit') || [...AIO_TRANSFERS].some((n) => program.defines(n))) return out;
  const check = new Check(file);
  // a submission is judged where all that leads to it is in sight
  const submits = new Map<Call, { at: Place; marks: Map<Call, Mark>; opens: Map<Call, Open>; sure: boolean }>();
  const likely: { mark: Mark; opens: Open[] }[] = [];
  for (const own of program.gather('aio buffered', (f) => some(bufferedIn(file, f), NONE))) {
    likely.push(...own.preparations);
    for (const { effect, found } of own.submissions) {
      const known = submits.get(effect.call) ?? { at: effect.place, marks: new Map(), opens: new Map(), sure: false };
      found.marks.forEach((m) => known.marks.set(m.call, m));
      found.opens.forEach((o) => known.opens.set(o.call, o));
      known.sure ||= found.sure;
      submits.set(effect.call, known);
    }
  }
  const covered = new Set<Call>();
  for (const s of submits.values()) {
    if (!s.sure) continue;
    s.marks.forEach((m) => covered.add(m.call));
    out.push(draft(file, s.at, MESSAGE, [...s.marks.values()], [...s.opens.values()], check));
  }
  for (const { mark, opens } of likely) {
    if (covered.has(mark.call)) continue;
    const fd = mark.call.args[1];
    const at = fd ? placeIn(mark.place, fd.span) : mark.place;
    out.push({ ...draft(file, at, LIKELY, [], opens, check), severity: 'information' });
  }
  return out;
}

function draft(file: SourceFile, at: Place, message: string, marks: Mark[], opens: Open[], check: Check): Draft {
  return {
    at, message,
    related: [
      ...opens.map((o) => ({ at: o.place, message: 'opened here without O_DIRECT' })),
      ...marks.map((m) => ({ at: m.place, message: 'the request is prepared here' })),
    ],
    fixes: directFixes(file, opens, check.transfersOn(opens), check.flagsOf),
  };
}

/** Submissions in a function and in those it calls. */
function submissions(file: SourceFile, func: Func): Effect[] {
  return file.program.memo.derived(func, 'aio submissions', () => file.program.flow(func)?.effects.filter((e) => e.name === AIO_SUBMIT) ?? [], sameList);
}

/** What is buffered in one function. */
interface Buffered { submissions: { effect: Effect; found: Found }[]; preparations: { mark: Mark; opens: Open[] }[] }
interface Found { marks: Mark[]; opens: Open[]; sure: boolean }

const NONE: Buffered = { submissions: [], preparations: [] };
function bufferedIn(file: SourceFile, func: Func): Buffered {
  return file.program.memo.derived(func, 'aio buffered', () => {
    const submitted = submissions(file, func);
    const marks = gathered(file, func)?.marks ?? [];
    if (!submitted.length && !marks.length) return NONE;
    const check = new Check(file);
    const found = submitted.flatMap((effect) => effect.parts.flatMap((iocb) => {
      const buffered = check.buffered(iocb);
      return buffered ? [{ effect, found: buffered }] : [];
    }));
    const preparations = marks.flatMap((mark) => {
      const opens = check.bufferedTransfer(mark);
      return opens ? [{ mark, opens }] : [];
    });
    return found.length || preparations.length ? { submissions: found, preparations } : NONE;
  });
}

/** What one function does with descriptors. */
interface Gathered {
  flags: Map<Call, Value>;
  /** values that may be a descriptor which gets O_DIRECT */
  changed: Value[];
  marks: Mark[];
  noWait: boolean;
  /** calls whose results go where they cannot be followed */
  elsewhere: Set<Call>;
}

const NO_DESCRIPTORS: Gathered = { flags: new Map(), changed: [], marks: [], noWait: false, elsewhere: new Set() };
/** In a list, where there is anything to say. */
function some<T>(said: T | undefined, nothing: T): T[] {
  return said === undefined || said === nothing ? [] : [said];
}
function gathered(file: SourceFile, func: Func): Gathered | undefined {
  return file.program.memo.derived(func, 'aio descriptors', () => {
    const flow = file.program.flow(func);
    return flow && gather(file, func, flow);
  });
}
function gather(file: SourceFile, func: Func, flow: Flow): Gathered {
  const out: Gathered = { flags: new Map(), changed: [], marks: [], noWait: file.program.mentions(func, /RWF_NOWAIT/), elsewhere: new Set() };
  flow.replay((event, memory) => {
    if (event.kind !== 'call') return;
    const { call } = event;
    const position = OPENS[call.name];
    if (position !== undefined && call.callee.kind === 'name' && call.args[position]) out.flags.set(call, flow.value(call.args[position], memory));
    if (call.name === 'fcntl' && mayAddDirect(call, flow, memory)) out.changed.push(flow.value(call.args[0]!, memory));
    // a helper by that name is trusted to do what it says
    else if (/direct/i.test(call.name) && !file.program.callee(call)) call.args.forEach((a) => out.changed.push(flow.value(a, memory)));
    if (AIO_TRANSFERS.has(call.name) && call.args[1]) {
      const mark: Mark = { kind: 'mark', name: AIO_MARK, call, place: placeOf(func, call), inputs: [1, 2, 3, 4].map((i) => call.args[i] ? flow.value(call.args[i], memory) : { atoms: new Map(), unknown: true }), via: [] };
      out.marks.push(mark);
    }
    if (AIO_TRANSFERS.has(call.name) || PLAIN_USE.has(call.name) || file.program.callee(call)) return;
    for (const arg of call.args) {
      const reads = [...walk([arg])].length < 20 ? flow.value(arg, memory) : undefined;
      for (const a of reads?.atoms.values() ?? []) if (a.kind === 'call') out.elsewhere.add(a.call);
    }
  });
  return out.flags.size || out.changed.length || out.marks.length || out.elsewhere.size ? out : NO_DESCRIPTORS;
}
/** `fcntl(fd, F_SETFL, …)` with flags that may have O_DIRECT. */
function mayAddDirect(call: Call, flow: Flow, memory: Parameters<Flow['value']>[1]): boolean {
  if (!call.args[0] || !call.args[2] || constant(flow.value(call.args[1]!, memory)) !== 4n) return false;
  // `fcntl(fd, F_GETFL) | O_NONBLOCK` keeps what was there
  const safe = (e: ReturnType<typeof bare>): boolean => {
    const known = integers(flow.value(e, memory));
    if (known) return known.every((v) => (v & O_DIRECT) === 0n);
    const inner = bare(e);
    if (inner.kind === 'binary' && (inner.op === '|' || inner.op === '&')) return inner.op === '&' ? safe(bare(inner.left)) : safe(bare(inner.left)) && safe(bare(inner.right));
    if (inner.kind === 'call') return inner.name === 'fcntl';
    const origins = [...flow.value(inner, memory).atoms.values()];
    return origins.length > 0 && origins.every((a) => a.kind === 'call' && a.call.name === 'fcntl');
  };
  return !safe(bare(call.args[2]));
}

/** What the file does with descriptors. */
interface Descriptors {
  /** flags of each open */
  flags: Map<Call, Value>;
  /** opens whose descriptor may get O_DIRECT later */
  changed: Set<Call>;
  /** transfers in functions that speak of RWF_NOWAIT */
  noWait: Set<Call>;
}
/** What it does with that of one call. */
interface Known { flags: Value | undefined; changed: boolean; noWait: boolean }
function sameKnown(a: Known, b: Known): boolean {
  return (a.flags === b.flags || (a.flags !== undefined && b.flags !== undefined && equal(a.flags, b.flags))) && a.changed === b.changed && a.noWait === b.noWait;
}

/** What is known of the file's opens and requests. */
class Check {
  constructor(private readonly file: SourceFile) {}

  private descriptors(): Descriptors {
    const out: Descriptors = { flags: new Map(), changed: new Set(), noWait: new Set() };
    for (const own of this.file.program.gather('aio descriptors of functions', (f) => some(gathered(this.file, f), NO_DESCRIPTORS))) {
      own.flags.forEach((v, call) => out.flags.set(call, v));
      for (const fd of own.changed) for (const a of this.resolve(fd)?.value.atoms.values() ?? fd.atoms.values()) if (a.kind === 'call') out.changed.add(a.call);
      if (own.noWait) own.marks.forEach((m) => out.noWait.add(m.call));
    }
    return out;
  }
  /** Who asks for one call's need not know that functions with others changed. */
  private known(call: Call): Known {
    const { program } = this.file;
    return program.memo.part(program, 'aio descriptors', () => this.descriptors(), `${callNumber(call)}`,
      (all) => ({ flags: all.flags.get(call), changed: all.changed.has(call), noWait: all.noWait.has(call) }), sameKnown);
  }
  readonly flagsOf = (open: Open): Value | undefined => this.known(open.call).flags;

  /** The transfers an iocb may hold, when all of them are buffered. */
  buffered(iocb: Value): Found | undefined {
    if (iocb.unknown || iocb.atoms.size === 0) return undefined;
    const marks: Mark[] = [];
    const opens: Open[] = [];
    let sure = true;
    for (const a of iocb.atoms.values()) {
      if (a.kind === 'mark' && a.name === AIO_OTHER_MARK) continue;
      // what it held before counts only on ways around the preparation: a loop that ran no turn
      if (a.kind === 'initial' && iocb.atoms.size > 1) continue;
      if (a.kind !== 'mark') return undefined;
      const found = this.bufferedDescriptor(a.inputs[0]!);
      if (!found || this.isNoWait(a)) return undefined;
      marks.push(a);
      opens.push(...found.opens);
      sure &&= found.sure;
    }
    return marks.length ? { marks, opens, sure } : undefined;
  }
  /** preadv2 with RWF_NOWAIT fails instead of blocking; flags set by hand count for the function they are set in. */
  private isNoWait(mark: Mark): boolean {
    return this.known(mark.call).noWait;
  }

  /** The opens a descriptor comes from, when every one of them certainly lacks O_DIRECT. */
  private bufferedDescriptor(fd: Value): { opens: Open[]; sure: boolean } | undefined {
    const resolved = this.resolve(fd);
    if (!resolved) return undefined;
    const opens: Open[] = [];
    for (const a of resolved.value.atoms.values()) {
      // -1 stands for "not open"
      if (a.kind === 'int' && a.value <= 0n) continue;
      if (a.kind !== 'call' || !this.opensBuffered(a)) return undefined;
      opens.push(a);
    }
    return opens.length ? { opens, sure: resolved.sure } : undefined;
  }
  private opensBuffered(a: Open): boolean {
    const position = OPENS[a.call.name];
    if (position === undefined || this.file.program.defines(a.call.name) ) return false;
    const path = a.call.args[position - 1];
    if (path?.kind === 'text' && /^\/(?:proc|sys)\/|^\/dev\/(?!sd|nvme|vd|hd|loop|md|dm|mapper|disk|xvd|mmcblk)/.test(path.value)) return false;
    const { flags, changed } = this.known(a.call);
    if (changed) return false;
    const all = flags && integers(flags);
    if (all) return all.every((v) => (v & O_DIRECT) === 0n);
    // flags that a caller passes: `open_file(path, O_RDONLY)`
    return false;
  }

  /** Follows fields and globals that are set in one way in this file. */
  private resolve(fd: Value): { value: Value; sure: boolean } | undefined {
    if (fd.unknown || fd.atoms.size === 0) return undefined;
    const atoms = new Map<string, Atom>();
    let sure = true;
    for (const [id, a] of fd.atoms) {
      if (a.kind !== 'initial') {
        atoms.set(id, a);
        continue;
      }
      const name = /\.([^*.]+)$/.exec(a.key)?.[1] ?? (/[~@*.]/.test(a.key) ? undefined : a.key);
      if (name === undefined) return undefined;
      const stored = this.file.program.stored(name);
      if (stored.unknown || stored.atoms.size === 0) return undefined;
      for (const [inner, atom] of stored.atoms) {
        if (atom.kind === 'initial') {
          if (atom.key !== a.key) return undefined;
        } else atoms.set(inner, atom);
      }
      // other files may set it too, unless it is this file's own
      sure &&= this.file.declares(name);
    }
    return { value: { atoms, unknown: false }, sure };
  }

  /** The opens of a request whose own descriptor is certainly buffered. */
  bufferedTransfer(mark: Mark): Open[] | undefined {
    return this.isNoWait(mark) ? undefined : this.bufferedDescriptor(mark.inputs[0]!)?.opens;
  }
  /** All requests on the files these opens open, or undefined when the descriptor goes where that cannot be told. */
  transfersOn(opens: Open[]): Mark[] | undefined {
    const all = this.transfers();
    if (!all || opens.some((o) => all.elsewhere.has(o.call))) return undefined;
    return [...new Set(opens.flatMap((o) => all.of.get(o.call) ?? []))];
  }
  /** The file's requests by the opens their descriptors come from; undefined where some function or descriptor cannot be followed. */
  private transfers(): { of: Map<Call, Mark[]>; elsewhere: Set<Call> } | undefined {
    const { program } = this.file;
    return program.memo.derived(program, 'aio transfers', () => {
      const of = new Map<Call, Mark[]>();
      const elsewhere = new Set<Call>();
      if (program.some('untold aio descriptors', (f) => gathered(this.file, f) === undefined)) return undefined;
      for (const own of program.gather('aio descriptors of functions', (f) => some(gathered(this.file, f), NO_DESCRIPTORS))) {
        own.elsewhere.forEach((call) => elsewhere.add(call));
        for (const mark of own.marks) {
          const atoms = this.resolve(mark.inputs[0]!)?.value.atoms;
          if (!atoms) return undefined;
          for (const a of atoms.values()) if (a.kind === 'call') of.set(a.call, [...(of.get(a.call) ?? []), mark]);
        }
      }
      return { of, elsewhere };
    });
  }
}

/** Calls that move no data through a descriptor. */
const PLAIN_USE = new Set(['close', 'fstat', 'fstatx', 'lseek', 'fsync', 'fdatasync', 'fcntl', 'posix_fadvise', 'printf', 'fprintf', 'io_prep_fsync', 'io_prep_fdsync']);
