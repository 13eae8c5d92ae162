/** Names that patterns of Rust bind, and what they take apart to get at them. */
import { field, parts, type Node } from './syntax';

/** `path` leads from the value matched to the name: variants by name, elements of tuples by number. */
export interface PatternName { name: string; node: Node; path: string[] }

/** Upper-case names are constants or variants, not bindings. */
export function patternNames(pattern: Node): PatternName[] {
  const out: PatternName[] = [];
  const visit = (n: Node, path: string[]): void => {
    switch (n.type) {
      case 'identifier': case 'shorthand_field_identifier':
        if (!/^[A-Z]/.test(n.text)) out.push({ name: n.text, node: n, path: n.type === 'identifier' ? path : [...path, n.text] });
        return;
      case 'tuple_pattern': return elements(n).forEach((c, i) => visit(c, [...path, String(i)]));
      case 'tuple_struct_pattern': {
        const type = field(n, 'type');
        const inner = elements(n).filter((c) => c.id !== type?.id);
        const variant = type?.text.replace(/\s+/g, '').replace(/::<.*>$/, '').replace(/^.*::/, '') ?? '';
        return inner.forEach((c, i) => visit(c, inner.length > 1 ? [...path, variant, String(i)] : [...path, variant]));
      }
      case 'field_pattern': {
        const name = field(n, 'name');
        const inner = field(n, 'pattern');
        if (!inner) return parts(n).forEach((c) => visit(c, path));
        return visit(inner, [...path, name?.text ?? '']);
      }
      default: {
        const type = field(n, 'type');
        const condition = field(n, 'condition');
        for (const c of parts(n)) if (c.id !== type?.id && c.id !== condition?.id && !/^scoped_|literal|range_pattern/.test(c.type)) visit(c, path);
      }
    }
  };
  visit(pattern, []);
  return out;
}

/** What stands between the parentheses, `_` included. */
function elements(pattern: Node): Node[] {
  return pattern.children.filter((c) => c.type !== '(' && c.type !== ')' && c.type !== ',' && !c.isExtra);
}
/** The elements of `(a, _, c)` and `Type(_, b)` as written. */
export function tupleItems(pattern: Node): string[] {
  const type = field(pattern, 'type');
  return elements(pattern).filter((c) => c.id !== type?.id).map((c) => c.text.replace(/^mut\s+/, ''));
}
