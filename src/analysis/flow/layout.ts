/** Sizes of types as far as a file tells them: what `sizeof` may be. */
import { bare, type Expr, type Field, type Local, type Sizeof, type Structure } from '../model';
import { int, integers, join, UNKNOWN, type Value } from './value';

/** Bytes on 64-bit Linux; types whose size differs between its architectures are left out. */
const SIZES = new Map<string, bigint>([
  ...['char', 'signed char', 'unsigned char', 'bool', '_Bool', 'int8_t', 'uint8_t', 'u8', 'u_char', 'uchar', '__u8', '__s8', 'std::byte', 'byte', 'char8_t'].map((n) => [n, 1n] as const),
  ...['short', 'unsigned short', 'short int', 'unsigned short int', 'int16_t', 'uint16_t', 'u16', '__u16', '__s16', '__le16', '__be16', 'char16_t'].map((n) => [n, 2n] as const),
  ...['int', 'unsigned', 'unsigned int', 'signed int', 'signed', 'int32_t', 'uint32_t', 'u32', '__u32', '__s32', '__le32', '__be32', 'float', 'char32_t', 'wchar_t', 'pid_t', 'uid_t', 'gid_t', 'mode_t'].map((n) => [n, 4n] as const),
  ...['long', 'unsigned long', 'long int', 'unsigned long int', 'long long', 'unsigned long long', 'int64_t', 'uint64_t', 'u64', '__u64', '__s64', '__le64', '__be64', 'double', 'size_t', 'ssize_t', 'off_t', 'off64_t', 'loff_t', 'intptr_t', 'uintptr_t', 'ptrdiff_t', 'time_t']
    .map((n) => [n, 8n] as const),
]);
const POINTER = 8n;
const MAX_DEPTH = 8;

/** What a layout asks of the file. */
interface Types {
  constantValue(e: Expr): Value;
  fieldsOf(owner: string): Field[];
  structures(name: string): Structure[];
  global(name: string): Local | undefined;
}
/** Possible sizes, and the strictest alignment they come with. */
interface Extent { sizes: bigint[]; alignment: bigint }

export class Layout {
  constructor(private readonly types: Types) {}

  /** Every size a `sizeof` may have: with and without padding, where packing cannot be told. */
  sizeof(e: Sizeof, local: (id: string) => Local | undefined): Value {
    const extent = e.type !== undefined ? this.ofType(e.type) : e.operand && this.ofExpression(bare(e.operand), local);
    return extent ? extent.sizes.map(int).reduce(join) : UNKNOWN;
  }

  private ofExpression(e: Expr, local: (id: string) => Local | undefined): Extent | undefined {
    switch (e.kind) {
      case 'name': {
        const variable = local(e.id) ?? this.types.global(e.name);
        // a name that is no variable is a type: the parser cannot tell
        return variable ? this.ofDeclared(variable, 0) : e.id.includes('~') ? undefined : this.ofType(e.name);
      }
      case 'unary': {
        const variable = e.op === '*' && e.operand.kind === 'name' ? local(e.operand.id) : undefined;
        return variable?.pointer && !variable.array ? this.ofType(variable.type) : undefined;
      }
      default: return undefined;
    }
  }

  /** The size of a type as written. */
  ofType(text: string, depth = 0): Extent | undefined {
    const plain = text.replace(/\b(?:const|volatile|struct|union|class|enum|register|static|mutable)\b/g, ' ').replace(/\bstd::(?=u?int|size_t|ptrdiff)/g, '').trim().replace(/\s+/g, ' ');
    if (/\*\s*$/.test(plain)) return { sizes: [POINTER], alignment: POINTER };
    const known = SIZES.get(plain);
    if (known !== undefined) return { sizes: [known], alignment: known };
    return /^\w+$/.test(plain) && depth < MAX_DEPTH ? this.ofStructure(plain, depth + 1) : undefined;
  }

  private ofDeclared(d: Pick<Field, 'type' | 'array' | 'pointer' | 'extent' | 'alignment'>, depth: number): Extent | undefined {
    const element = d.pointer ? { sizes: [POINTER], alignment: POINTER } : this.ofType(d.type, depth);
    if (!element) return undefined;
    const aligned = d.alignment === undefined ? 1n : integers(this.types.constantValue(d.alignment))?.[0];
    const count = !d.array ? [1n] : d.extent && integers(this.types.constantValue(d.extent));
    if (aligned === undefined || count?.length !== 1) return undefined;
    return { sizes: element.sizes.map((s) => s * count[0]!), alignment: element.alignment > aligned ? element.alignment : aligned };
  }

  /** How far into a struct a member lies: with and without padding, where packing cannot be told. */
  offsetOf(owner: string, member: string): bigint[] | undefined {
    return this.ofStructure(owner, 0, member)?.sizes;
  }

  /** Up to the end, or up to where `member` begins. */
  private ofStructure(name: string, depth: number, member?: string): Extent | undefined {
    const all = this.types.structures(name);
    const one = all[0];
    // virtual functions add a pointer nobody sees
    if (all.length !== 1 || !one || one.union || one.derived) return undefined;
    const asked = one.alignment === undefined ? 1n : integers(this.types.constantValue(one.alignment))?.[0];
    const fields = this.types.fieldsOf(name);
    if (asked === undefined || fields.length === 0) return undefined;
    let natural = 0n;
    let packed = 0n;
    let alignment = asked;
    for (const f of fields) {
      const extent = f.bits ? undefined : this.ofDeclared(f, depth);
      if (extent?.sizes.length !== 1) return undefined;
      if (f.name === member) return { sizes: [...new Set([up(natural, extent.alignment), packed])], alignment };
      natural = up(natural, extent.alignment) + extent.sizes[0]!;
      packed += extent.sizes[0]!;
      if (extent.alignment > alignment) alignment = extent.alignment;
    }
    if (member !== undefined) return undefined;
    const sizes = new Set([up(natural, alignment), up(packed, asked)]);
    return { sizes: [...sizes], alignment };
  }
}

function up(n: bigint, to: bigint): bigint {
  return to > 0n ? (n + to - 1n) / to * to : n;
}
