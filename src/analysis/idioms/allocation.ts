/** How memory was allocated, and what its addresses are certainly a multiple of, or certainly not. */
import type { Memory } from '../flow/memory';
import type { Flow } from '../flow/program';
import { integers, type Atom, type Value } from '../flow/value';
import { bare, statements, type Call, type Expr, type Field, type Func, type Local, type Place, type Span } from '../model';
import { placeOf } from '../source-file';
import type { View } from '../rules/rule';
import { elementsOf } from '../flow/stepper';
import { assignmentsOf, assignmentsTo } from './assignments';
import { sharedName } from './fd-origin';
import { isRounded } from './rounding';

/** The least that direct I/O asks of addresses, lengths and offsets. */
export const SECTOR = 512n;

/** `aligned`: a multiple of a sector. The others are not, or only by luck; `offset`: a step from an aligned address. */
export type Memories =
  | { kind: 'aligned' }
  | { kind: 'unaligned'; what: string; sources: { place: Place; call: Call | undefined; what: string }[] }
  | { kind: 'offset'; step: bigint };

const HEAP = /^(?:malloc|calloc|realloc|reallocarray|xmalloc|xcalloc|xrealloc|xzalloc|g_malloc0?|g_realloc|strdup|strndup|alloca)$/;
const PAGES = /^(?:valloc|pvalloc|mmap|mmap64|shmat)$/;
/** Allocators that say what they do. */
const ALIGNS = /^(?=.*(?:align|dma|direct|page))(?=.*(?:alloc|new|get|buf)).*$/i;
const CHARACTER = /^(?:const )?(?:unsigned |signed )?(?:char|void)$|^(?:std::)?(?:u?int8_t|byte|u8|u_char|uchar|__u8)$/;
/** Containers that take their memory from operator new, unless a second argument says otherwise. */
const CONTAINER = /^(?:std::)?(?:vector|basic_string)<\s*([\w: ]+?)\s*>$|^(?:std::)?string$/;
const HOLDER = /^(?:std::)?unique_ptr<\s*([\w: ]+?)\s*\[\]\s*>$/;
const DATA = new Set(['data', 'c_str', 'front']);
const MAX_DEPTH = 6;

/** What is known of an address; undefined where anything may be. */
export function memoryAt(file: View, flow: Flow, e: Expr, memory: Memory): Memories | undefined {
  return new Finder(file, flow, memory).of(e, 0);
}

/** Every value a pointer may have is taken together: all must be known. */
function together(all: (Memories | undefined)[]): Memories | undefined {
  const first = all[0];
  if (!first || all.some((m) => m?.kind !== first.kind)) return undefined;
  if (first.kind !== 'unaligned') return first;
  return { ...first, sources: all.flatMap((m) => (m?.kind === 'unaligned' ? m.sources : [])) };
}

class Finder {
  constructor(private readonly file: View, private readonly flow: Flow, private readonly memory: Memory) {}

  private get func(): Func { return this.flow.func; }
  private numbers(e: Expr): bigint[] | undefined {
    return integers(this.flow.value(e, this.memory));
  }
  private unaligned(at: { span: Span }, what: string, call?: Call, func = this.func): Memories {
    return { kind: 'unaligned', what, sources: [{ place: placeOf(func, at), call, what }] };
  }

  of(e: Expr, depth: number): Memories | undefined {
    if (depth > MAX_DEPTH) return undefined;
    switch (e.kind) {
      case 'cast': return this.of(e.operand, depth);
      case 'conditional': return together([this.of(e.then, depth + 1), this.of(e.otherwise, depth + 1)]);
      case 'binary': return e.op === '+' || e.op === '-' ? this.step(e.left, e.right, depth) ?? (e.op === '+' ? this.step(e.right, e.left, depth) : undefined) : undefined;
      case 'unary':
        if (e.op === '*') return this.values(this.flow.value(e, this.memory), depth);
        return e.op === '&' ? this.address(bare(e.operand), depth) : undefined;
      case 'index': return this.element(e, depth);
      case 'call': return this.call(e, depth);
      case 'name': return this.variable(e, depth);
      case 'member': return this.member(e, depth);
      default: return undefined;
    }
  }

  /** `base + by`, in elements of what `base` points to. */
  private step(base: Expr, by: Expr, depth: number): Memories | undefined {
    const from = this.of(base, depth + 1);
    if (!from || from.kind === 'offset') return from;
    const size = this.elementSize(base);
    const all = this.numbers(by);
    if (from.kind === 'unaligned') return all?.every((n) => n === 0n) || this.beginsAtZero(by) ? from : undefined;
    const part = all ?? this.factor(by);
    if (!part || size === undefined) return undefined;
    const bad = part.find((n) => (n * size) % SECTOR !== 0n);
    if (bad !== undefined && (all ? all.every((n) => (n * size) % SECTOR !== 0n) : true)) return { kind: 'offset', step: bad * size };
    return bad === undefined ? from : undefined;
  }
  /** The constant in `i * 100`. */
  private factor(e: Expr): bigint[] | undefined {
    const inner = bare(e);
    return inner.kind === 'binary' && inner.op === '*' ? this.numbers(inner.left) ?? this.numbers(inner.right) : undefined;
  }
  /** Counters and sums: nothing was added the first time round. */
  private beginsAtZero(e: Expr): boolean {
    const inner = bare(e);
    if (inner.kind === 'binary' && inner.op === '*') return this.beginsAtZero(inner.left) || this.beginsAtZero(inner.right);
    if (inner.kind !== 'name') return false;
    const all = assignmentsTo(this.func, inner.id);
    return all.some((a) => a.op === '=' && a.value && this.file.program.constantValue(a.value).atoms.has('i0'))
      && all.every((a) => a.op === '+' || (a.op === '=' && a.value && this.file.program.constantValue(a.value).atoms.has('i0')));
  }
  private elementSize(base: Expr): bigint | undefined {
    if (base.kind === 'cast') return CHARACTER.test(base.type.replace(/\s*\*\s*$/, '')) || /^u?int(?:ptr_t|64_t)$|^unsigned long$|^size_t$/.test(base.type) ? 1n : undefined;
    const e = bare(base);
    const type = e.kind === 'name' ? (this.local(e.id) ?? this.file.program.global(e.name))?.type : e.kind === 'member' ? this.file.fieldType(e.field) : e.kind === 'call' ? 'char' : undefined;
    return type !== undefined && (CHARACTER.test(type) || CONTAINER.test(type)) ? 1n : undefined;
  }

  /** A pointer out of an array of them, or one of several arrays. */
  private element(e: Extract<Expr, { kind: 'index' }>, depth: number): Memories | undefined {
    const array = bare(e.object);
    const variable = array.kind === 'name' ? this.local(array.id) ?? this.file.program.global(array.name) : undefined;
    if (variable?.array && !variable.pointer && !this.isParameter(variable)) return CHARACTER.test(variable.type) ? this.declared(variable, e) : undefined;
    return this.values(this.flow.value(e, this.memory), depth);
  }

  /** `&x`, `&a[i]`, `&o->m` */
  private address(e: Expr, depth: number): Memories | undefined {
    if (e.kind === 'index') {
      const base = e.object;
      if (!e.index) return undefined;
      return this.container(base, e) ?? this.step(base, e.index, depth);
    }
    if (e.kind === 'member') return this.placed(e);
    if (e.kind !== 'name') return undefined;
    const variable = this.local(e.id) ?? (e.id.includes('~') ? undefined : this.file.program.global(e.name));
    if (!variable || variable.reference || (variable.array && this.isParameter(variable))) return undefined;
    return this.declared(variable, e);
  }

  private call(e: Call, depth: number): Memories | undefined {
    if (e.callee.kind === 'member') {
      if (e.args.length === 0 && (DATA.has(e.name) || e.name === 'get')) return this.container(e.callee.object, e);
      return undefined;
    }
    if ((e.name === 'data' || e.name === 'addressof') && e.args.length === 1 && e.callee.kind === 'name') return this.container(e.args[0]!, e) ?? this.address(bare(e.args[0]!), depth);
    return this.values(this.flow.value(e, this.memory), depth);
  }
  /** Memory of a vector, string, array or owning pointer of C++. */
  private container(object: Expr, at: Expr): Memories | undefined {
    const e = bare(object);
    const type = e.kind === 'name' ? (this.local(e.id) ?? this.file.program.global(e.name) ?? { type: this.file.fieldType(e.name) }).type : e.kind === 'member' ? this.file.fieldType(e.field) : undefined;
    if (type === 'auto' && e.kind === 'name' && at.kind === 'call' && at.name === 'get') return this.made(e);
    if (type === undefined || (at.kind === 'call' && at.name === 'get') !== HOLDER.test(type)) return undefined;
    const element = (CONTAINER.exec(type) ?? HOLDER.exec(type))?.[1];
    if (HOLDER.test(type) && !(e.kind === 'name' && e.id.includes('~') ? this.holdsNew(e.id) : !this.file.says(/aligned_alloc|memalign|align_val_t/))) return undefined;
    if (!CONTAINER.test(type) && !HOLDER.test(type)) return undefined;
    if (element !== undefined && !CHARACTER.test(element) && this.file.program.layout.ofType(element) === undefined) return undefined;
    const what = `a ${type.replace(/^std::/, '').replace(/<.*$/s, '').replace('basic_string', 'string')}`;
    const variable = e.kind === 'name' ? this.local(e.id) : undefined;
    return variable ? this.unaligned(variable, what) : { kind: 'unaligned', what, sources: [] };
  }
  /** `auto p = std::make_unique<char[]>(n);` */
  private made(e: Extract<Expr, { kind: 'name' }>): Memories | undefined {
    const local = this.local(e.id);
    const all = assignmentsTo(this.func, e.id);
    const call = all.length === 1 && all[0]!.value ? bare(all[0]!.value) : undefined;
    const element = call?.kind === 'call' ? /make_unique(?:_for_overwrite)?<\s*([\w: ]+?)\s*\[\]\s*>$/.exec(this.file.source(placeOf(this.func, { span: { start: call.span.start, end: call.argsSpan.start } })))?.[1] : undefined;
    return local && element !== undefined && CHARACTER.test(element) ? this.unaligned(local, 'a unique_ptr') : undefined;
  }
  /** `std::unique_ptr<char[]> p(new char[n])`, or from `make_unique`. */
  private holdsNew(id: string): boolean {
    const all = assignmentsTo(this.func, id);
    return all.length > 0 && all.every(({ value }) => {
      const v = value && bare(value);
      return v?.kind === 'call' && (v.name === 'new' || /^make_unique/.test(v.name));
    });
  }

  private local(id: string): Local | undefined {
    for (let f: Func | undefined = this.func; f; f = f.parent) {
      const found = f.locals.get(id);
      if (found) return found;
    }
    return undefined;
  }
  private isParameter(l: Local): boolean {
    return this.func.params.some((p) => p.id === l.id);
  }

  private variable(e: Extract<Expr, { kind: 'name' }>, depth: number): Memories | undefined {
    const local = this.local(e.id);
    const variable = local ?? (e.id.includes('~') ? undefined : this.file.program.global(e.name));
    if (variable?.array) return this.isParameter(variable) || variable.pointer ? undefined : this.declared(variable, e);
    if (!variable && this.func.owner !== '') {
      const inClass = this.inClass(e.name);
      if (inClass) return inClass;
    }
    if (this.realigned(e.id)) return undefined;
    const all = local ? assignmentsTo(this.func, e.id) : [];
    const only = all.length === 1 && all[0]!.op === '=' ? all[0]!.value : undefined;
    // the flow forgets steps from an address
    if (only && isStep(only)) return this.of(only, depth + 1);
    // `p = base;` and then `p += n` each time round: the first turn is at the base
    const bases = all.filter((a) => a.op === '=');
    if (all.length > 1 && bases.length === 1 && bases[0]!.value && !isStep(bases[0]!.value) && all.every((a) => a === bases[0] || (a.op === '+' && a.value && !this.computes(a.value, 0)))) {
      const base = this.of(bases[0]!.value, depth + 1);
      return base?.kind === 'unaligned' ? base : undefined;
    }
    if (all.some((a) => (a.op === '=' && a.value && isStep(a.value)) || (a.op !== '=' && a.value && this.computes(a.value, 0)))) return undefined;
    if (!local && this.steppedSomewhere(e.name)) return undefined;
    return this.values(this.flow.value(e, this.memory), depth);
  }

  /** An array that is a member of the class at hand: its objects are where `new` and the stack put them. */
  private inClass(name: string): Memories | undefined {
    const { program } = this.file;
    const owner = this.func.owner.replace(/^.*::/, '');
    const fields = program.fieldsOf(owner);
    const field = fields.find((f) => f.name === name);
    if (!field?.array || field.pointer || fields.some((f) => f.alignment) || program.structures(owner).some((s) => s.alignment || s.derived || s.union)) return undefined;
    if (this.alignedType(field.type) !== false || this.file.says(/align_val_t|operator new/)) return undefined;
    return { kind: 'unaligned', what: `a member of ${owner} without alignas`, sources: [] };
  }
  private member(e: Extract<Expr, { kind: 'member' }>, depth: number): Memories | undefined {
    const field = this.field(e);
    if (field?.array) return this.placed(e);
    if (this.steppedSomewhere(e.field)) return undefined;
    return this.values(this.flow.value(e, this.memory), depth);
  }
  /** Some function stores `base + x` in the field or global, or hands it to something that aligns it. */
  private steppedSomewhere(name: string): boolean {
    const { program } = this.file;
    return program.functions(new RegExp(`\\b${name}\\b`)).some((f) => {
      const all = [...(assignmentsOf(f).get(`.${name}`) ?? []), ...(assignmentsOf(f).get(name) ?? [])];
      return all.some((a) => a.op !== '=' || (a.value && isStep(a.value)));
    });
  }
  /** `std::align(…, p, …)`, `p = round_up(p)`, `assert((uintptr_t)p % 4096 == 0)`. */
  private realigned(id: string): boolean {
    return isRounded(this.func, id);
  }

  /** Arithmetic of the kind that rounds, in the value itself or in what it was computed from. */
  private computes(e: Expr, depth: number): boolean {
    switch (e.kind) {
      case 'binary': return e.op === '%' || e.op === '&' || this.computes(e.left, depth) || this.computes(e.right, depth);
      case 'unary': return e.op === '~' || this.computes(e.operand, depth);
      case 'cast': return this.computes(e.operand, depth);
      case 'call': return /align|round|pad/i.test(e.name);
      case 'name': return /align|pad/i.test(e.name) || (depth < 3 && assignmentsTo(this.func, e.id).some((a) => a.value && this.computes(a.value, depth + 1)));
      case 'conditional': return true;
      default: return false;
    }
  }

  /** The one declaration of a member of that name, where there is one only. */
  private field(e: Extract<Expr, { kind: 'member' }>): Field | undefined {
    const owner = this.ownerOf(bare(e.object));
    return owner === undefined ? undefined : this.file.program.fieldsOf(owner).find((f) => f.name === e.field);
  }
  private ownerOf(object: Expr): string | undefined {
    if (object.kind === 'name') return (this.local(object.id) ?? this.file.program.global(object.name))?.type;
    if (object.kind === 'index') return this.ownerOf(bare(object.object));
    return object.kind === 'member' ? this.field(object)?.type : undefined;
  }
  /** An array or object inside a struct: where the struct begins counts, and how far in it lies. */
  private placed(e: Extract<Expr, { kind: 'member' }>): Memories | undefined {
    const owner = this.ownerOf(bare(e.object));
    const field = this.field(e);
    if (owner === undefined || !field || field.alignment) return undefined;
    const { program } = this.file;
    if (program.structures(owner).some((s) => s.alignment || s.union) || this.alignedType(field.type) !== false) return undefined;
    const before = program.fieldsOf(owner);
    if (before.some((f) => f.alignment)) return undefined;
    const offset = program.layout.offsetOf(owner, e.field);
    if (offset?.every((o) => o % SECTOR !== 0n)) return { kind: 'unaligned', what: `a member ${offset[0]} bytes into struct ${owner}`, sources: [] };
    if (!e.deref && bare(e.object).kind === 'name') {
      const variable = this.local((bare(e.object) as { id: string }).id);
      if (variable && !variable.reference && !variable.pointer && !variable.array) return this.declared(variable, e);
    }
    return undefined;
  }

  /** Whether a type asks for the alignment of a sector; undefined where it may. */
  private alignedType(type: string): boolean | undefined {
    if (CHARACTER.test(type)) return false;
    const { program } = this.file;
    const structures = program.structures(type);
    if (structures.length === 1) {
      const { alignment, derived } = structures[0]!;
      if (alignment) {
        const all = integers(program.constantValue(alignment));
        return all ? all.every((n) => n % SECTOR === 0n) : undefined;
      }
      // a member may ask for it
      return derived || program.fieldsOf(type).some((f) => f.alignment || (!f.pointer && this.alignedType(f.type) !== false)) ? undefined : false;
    }
    return program.layout.ofType(type) ? false : undefined;
  }
  /** Memory of a variable itself. */
  private declared(variable: Local, at: { span: Span }): Memories | undefined {
    if (variable.alignment) {
      const all = integers(this.file.program.constantValue(variable.alignment));
      if (!all) return undefined;
      if (all.every((n) => n > 0n && n % SECTOR === 0n)) return { kind: 'aligned' };
      return all.every((n) => n < SECTOR) ? this.unaligned(this.at(variable, at), `an array aligned to ${all[0]} bytes`) : undefined;
    }
    const own = variable.pointer ? false : /^(?:std::)?array<\s*[\w ]+?\s*,.*>$/s.test(variable.type) ? this.alignedType(/<\s*([\w ]+?)\s*,/.exec(variable.type)![1]!) : this.alignedType(variable.type);
    if (own === true) return { kind: 'aligned' };
    if (own === undefined || this.saysAlign(variable)) return undefined;
    const storage = variable.id.includes('~') && !variable.static ? 'on the stack' : 'in static memory';
    return this.unaligned(this.at(variable, at), `${variable.array ? 'an array' : 'a variable'} ${storage} without alignas`);
  }
  /** Globals are declared in another unit: the use stands for them. */
  private at(variable: Local, use: { span: Span }): { span: Span } {
    return this.func.locals.has(variable.id) ? variable : use;
  }
  /** A macro in the declaration may hold an attribute. */
  private saysAlign(variable: Local): boolean {
    const declaration = [...statements(this.func.body)].find((s) => s.kind === 'declare' && s.local === variable);
    return declaration?.kind === 'declare' && /align/i.test(this.file.source(placeOf(this.func, { span: declaration.statement })));
  }

  /** What a pointer's value says of it. */
  private values(value: Value, depth: number): Memories | undefined {
    if (value.unknown || value.atoms.size === 0) return undefined;
    const atoms = [...value.atoms.values()].filter((a) => !(a.kind === 'int' && a.value === 0n));
    // a block that was made bigger is wherever the heap had room
    const grown = atoms.find((a) => a.kind === 'call' && /realloc/.test(a.call.name));
    return grown ? this.atom(grown, depth) : together(atoms.map((a) => this.atom(a, depth)));
  }
  private atom(a: Atom, depth: number): Memories | undefined {
    if (depth > MAX_DEPTH) return undefined;
    if (a.kind === 'initial') {
      const name = sharedName(a.key);
      if (name !== undefined) return this.values(this.file.program.stored(name), depth + 1);
      // an element of an array that others fill
      const array = a.key.endsWith('*') ? sharedName(a.key.slice(0, -1)) : undefined;
      return array === undefined ? undefined : this.values(this.file.program.stored(elementsOf(array)), depth + 1);
    }
    if (a.kind === 'out') return a.call.name === 'posix_memalign' && a.arg === 0 ? this.asked(a.call.args[1], a.call, a.place) : undefined;
    if (a.kind === 'address') {
      const root = /^([^*.]*)\*?$/.exec(a.key)?.[1];
      const variable = root === undefined ? undefined : this.local(root) ?? (root.includes('~') ? undefined : this.file.program.global(root));
      return variable && !this.isParameter(variable) && variable.array === a.key.endsWith('*') ? this.declared(variable, variable) : undefined;
    }
    if (a.kind !== 'call' || a.call.callee.kind !== 'name' || this.file.program.callee(a.call)) return undefined;
    const { name } = a.call;
    const heap = (what: string): Memories => ({ kind: 'unaligned', what, sources: [{ place: a.place, call: a.call, what }] });
    if (name === 'new') return a.call.made !== undefined && this.alignedType(a.call.made) === false ? heap('operator new') : undefined;
    if (HEAP.test(name) && !this.file.program.defines(name)) return heap(`${name}()`);
    if (PAGES.test(name)) return { kind: 'aligned' };
    if (/^(?:std::)?(?:aligned_alloc|memalign)$/.test(name)) return this.asked(a.call.args[0], a.call, a.place);
    return ALIGNS.test(name) ? { kind: 'aligned' } : undefined;
  }
  /** An allocation with an alignment. */
  private asked(alignment: Expr | undefined, call: Call, place: Place): Memories | undefined {
    const all = alignment && (integers(this.file.program.constantValue(alignment)) ?? (call.within === this.func ? this.numbers(alignment) : undefined));
    // a page, or what the device asked for
    if (!all || all.every((n) => n > 0n && n % SECTOR === 0n)) return { kind: 'aligned' };
    const what = `${call.name}() with an alignment of ${all[0]}`;
    return all.every((n) => n < SECTOR) ? { kind: 'unaligned', what, sources: [{ place, call, what }] } : undefined;
  }
}

/** `base + x`, where the flow would only remember `base`. */
function isStep(e: Expr): boolean {
  const inner = bare(e);
  return inner.kind === 'binary' || (inner.kind === 'unary' && inner.op === '&' && bare(inner.operand).kind === 'index');
}
