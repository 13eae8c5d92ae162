/** The inventory as a tree: family → file → function → use. Nothing here knows the editor. */
import type { Surface, Usage } from '../../protocol/analysis';
import { FAMILY_INFO, PHASE_LABELS, phaseOf, SURFACES } from '../../protocol/families';
import type { Inventory } from '../../protocol/lsp';

interface Base { id: string; label: string; /** beside the label, dimmed */ description: string; /** what a screen reader says */ spoken: string }
export interface FamilyNode extends Base { kind: 'family'; family: Surface; children: FileNode[] }
export interface FileNode extends Base { kind: 'file'; uri: string; children: FunctionNode[] }
export interface FunctionNode extends Base { kind: 'function'; uri: string; children: UseNode[] }
export interface UseNode extends Base { kind: 'use'; uri: string; usage: Usage<Surface>; children: readonly [] }
export type InventoryNode = FamilyNode | FileNode | FunctionNode | UseNode;

/** `place`: how a file is called; `shown`: families to be listed, all when undefined. */
export function inventoryTree({ files }: Inventory, place: (uri: string) => string, shown?: ReadonlySet<Surface>): FamilyNode[] {
  return SURFACES.filter((family) => !shown || shown.has(family)).flatMap((family) => {
    const children = files.flatMap(({ uri, usages }) => {
      const own = usages.filter((u) => u.family === family);
      return own.length ? [fileNode(family, uri, place(uri), own)] : [];
    });
    if (!children.length) return [];
    const all = files.flatMap((f) => f.usages.filter((u) => u.family === family));
    const phases = [...new Set(all.map((u) => PHASE_LABELS[phaseOf(family, u.api)]))].join(', ');
    const { label } = FAMILY_INFO[family];
    const counts = `${calls(all)} in ${plural(children.length, 'file')}`;
    return [{ kind: 'family', id: family, family, label, description: `${counts} · ${phases}`, spoken: `${label}: ${counts}, ${phases}`, children } satisfies FamilyNode];
  });
}

function fileNode(family: Surface, uri: string, label: string, usages: Usage<Surface>[]): FileNode {
  const id = `${family} ${uri}`;
  const functions = new Map<string, Usage<Surface>[]>();
  for (const u of usages) {
    const list = functions.get(u.within ?? '');
    if (list) list.push(u);
    else functions.set(u.within ?? '', [u]);
  }
  const children = [...functions].map(([name, own]): FunctionNode => {
    const title = name || 'outside functions';
    const within = `${id} ${name}`;
    return { kind: 'function', id: within, label: title, description: calls(own), spoken: `${title}: ${calls(own)}`, uri, children: own.map((u, i) => useNode(`${within} ${i}`, uri, u)) };
  });
  return { kind: 'file', id, label, description: calls(usages), spoken: `${label}: ${calls(usages)}`, uri, children };
}
function useNode(id: string, uri: string, usage: Usage<Surface>): UseNode {
  const line = usage.range.start.line + 1;
  return { kind: 'use', id, label: usage.api, description: `${line}`, spoken: `${usage.api}, line ${line}`, uri, usage, children: [] };
}
/** Calls where there are any, else how often the API's types and flags are named. */
function calls(usages: Usage<Surface>[]): string {
  const n = usages.filter((u) => u.call).length;
  return n ? plural(n, 'call') : plural(usages.length, 'mention');
}
function plural(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

/** A node and all below it as indented text. */
export function asText(nodes: readonly InventoryNode[], depth = 0): string {
  return nodes.map((n) => `${'  '.repeat(depth)}${n.label}  ${n.kind === 'use' ? `line ${n.description}` : n.description}\n${asText(n.children, depth + 1)}`).join('');
}
