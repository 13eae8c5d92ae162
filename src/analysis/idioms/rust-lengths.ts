/** Rust: lengths that are whatever the data happen to be, with no rounding to whole blocks. */
import { walk, walkFunction, type Call, type Expr, type Func } from '../model';
import type { View } from '../rules/rule';
import { SECTOR } from './allocation';
import { assignmentsTo } from './assignments';
import { methodsOn, plain } from './rust-code';
import { isOdd, opened, owner, rustConstant } from './rust-direct';

/** Where such a length comes from: `data.len()`, `metadata.len()`, what the last read returned, what remains of any of them. */
export function oddRustLength(file: View, func: Func, e: Expr, depth = 0): string | undefined {
  if (depth > 4) return undefined;
  const next = (x: Expr) => oddRustLength(file, func, x, depth + 1);
  if (e.kind === 'cast') return next(e.operand);
  for (const rest of remainders(e)) {
    const total = next(rest);
    if (total && (isLess(e) || total.startsWith('what remains'))) return `what remains of ${total.replace(/^what remains of /, '')}`;
  }
  if (e.kind === 'call' && e.callee.kind === 'member' && e.name === 'len' && e.args.length === 0) {
    const object = e.callee.object;
    const name = object.kind === 'name' ? func.params.find((p) => p.id === object.id) : undefined;
    if (object.kind === 'call' && object.name === 'as_bytes') return 'the length of a string';
    const written = name?.type.replace(/\s+|'\w+/g, '') ?? '';
    if (name && /^&?(?:\[u8\]|Vec<u8>)$/.test(written) && !file.program.mentions(func, new RegExp(`\\b${name.name}\\.len\\(\\)\\s*(?:%|&|/|,)|is_multiple_of|next_multiple_of|align_(?:up|to|down)|round_up`))) return 'the length of the data';
    if (name && /^&?(?:str|String)$/.test(name.type.replace(/\s+|'\w+/g, ''))) return 'the length of a string';
    const source = object.kind === 'name' ? assignmentsTo(func, object.id) : [];
    const init = object.kind === 'name' ? source[0]?.value : object;
    if (source.length <= 1 && init && [...walk([init])].some((x) => x.kind === 'call' && x.name === 'metadata')) return 'the size of a file';
    return joined(file, func, object) ? 'a header and the data behind it' : undefined;
  }
  if (e.kind === 'name') {
    const all = assignmentsTo(func, e.id);
    const init = all.length === 1 ? all[0]!.value : undefined;
    if (!init || isRounded(file, func, e.name)) return undefined;
    const inner = opened(init);
    if (inner.kind === 'call' && inner.callee.kind === 'member' && /^read(?:_at)?$/.test(inner.name)) return `the result of ${inner.name}()`;
    return next(inner);
  }
  return undefined;
}
/** `total` in `total - done`, and both sides of a `min()`, which is asked where less than a whole chunk may remain. */
function remainders(e: Expr): Expr[] {
  if (e.kind !== 'call' && e.kind !== 'binary') return [];
  if (isLess(e)) return e.kind === 'binary' ? (e.right.kind === 'int' ? [] : [plain(e.left)]) : e.callee.kind === 'member' ? [plain(e.callee.object)] : [];
  if (e.kind !== 'call' || e.macro || e.name !== 'min') return [];
  return (e.callee.kind === 'member' && e.args.length === 1 ? [e.callee.object, ...e.args] : e.callee.kind === 'name' && e.args.length === 2 ? e.args : []).map(plain);
}
function isLess(e: Expr): boolean {
  return e.kind === 'binary' ? e.op === '-' : e.kind === 'call' && e.callee.kind === 'member' && /^(?:saturating|wrapping)_sub$/.test(e.name);
}
function isRounded(file: View, func: Func, name: string): boolean {
  if (file.program.mentions(func, /next_multiple_of|align_up|round_up|is_multiple_of/)) return true;
  for (const e of walkFunction(func)) {
    if (e.kind !== 'binary' || !/^[%&/]$/.test(e.op) || ![...walk([e.left])].some((x) => x.kind === 'name' && x.name === name)) continue;
    const by = rustConstant(file, e.right);
    // records of 100 bytes make no blocks
    if (by === undefined || e.op !== '%' || by % SECTOR === 0n) return true;
  }
  return false;
}

/** A vector that begins with something that is no block and is then extended, by what never was rounded. */
function joined(file: View, func: Func, e: Expr): boolean {
  let at = plain(e);
  let home = func;
  for (let depth = 0; depth < 4; depth++) {
    if (at.kind === 'index') {
      const list = plain(at.object);
      const pushes = list.kind === 'name' ? methodsOn(owner(home, list.id), list.id).filter((c) => /^(?:push|insert|extend|append)$/.test(c.name)) : [];
      if (list.kind !== 'name' || pushes.length !== 1 || pushes[0]!.name !== 'push' || !pushes[0]!.args[0]) return false;
      home = owner(home, list.id);
      at = plain(pushes[0]!.args[0]);
      continue;
    }
    if (at.kind !== 'name') return false;
    home = owner(home, at.id);
    const all = assignmentsTo(home, at.id);
    const init = all.length === 1 && all[0]!.value ? plain(all[0]!.value) : undefined;
    if (init?.kind === 'index' || init?.kind === 'name') {
      at = init;
      continue;
    }
    return init !== undefined && beginsOdd(file, home, init, at.id);
  }
  return false;
}
function beginsOdd(file: View, func: Func, init: Expr, id: string): boolean {
  if (file.program.mentions(func, /\bresize\b|%|next_multiple_of|div_ceil|\b(?:align|round|pad)/i)) return false;
  const methods = methodsOn(func, id);
  const extended = methods.filter((c) => /^(?:extend|extend_from_slice|write_all|put_slice)$/.test(c.name));
  if (methods.some((c) => /^(?:truncate|set_len|drain|split_off|clear)$/.test(c.name))) return false;
  const count = init.kind === 'call' && init.macro && init.name === 'vec' ? countIn(file, init, file.source({ base: func.base, span: init.span })) : undefined;
  const empty = init.kind === 'call' && init.callee.kind === 'name' && /(?:^|::)(?:Vec|BytesMut)(?:::<.*>)?::(?:new|with_capacity)$/.test(init.callee.name);
  if (count !== undefined) return isOdd(count) && extended.length === 1;
  // `frame.extend_from_slice(&len.to_le_bytes())`, and then the data
  return empty && extended.length === 2 && isUnconditionalPair(func, extended.map((c) => c.span)) && isNumber(extended[0]!.args[0]) && !isNumber(extended[1]!.args[0]);
}
/** `N` in `vec![0u8; N]`. */
function countIn(file: View, init: Call, text: string): bigint | undefined {
  const written = /^vec!\s*\[\s*0(?:_?u8)?\s*;\s*(\w+)\s*\]$/.exec(text)?.[1];
  if (written === undefined) return undefined;
  if (/^\d+$/.test(written)) return BigInt(written);
  const name = init.args.find((a) => a.kind === 'name' && a.name === written);
  return name && rustConstant(file, name);
}
function isNumber(e: Expr | undefined): boolean {
  const at = e && plain(e);
  return at?.kind === 'call' && /^to_[lbn]e_bytes$/.test(at.name);
}
function isUnconditionalPair(func: Func, spans: { start: number; end: number }[]): boolean {
  return func.body.length > 0 && spans.every((s) => func.body.some((b) => b.kind === 'expr' && b.span.start <= s.start && s.end <= b.span.end));
}
