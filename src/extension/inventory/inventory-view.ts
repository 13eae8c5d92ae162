/** The view “Async I/O in this workspace”. */
import * as vscode from 'vscode';
import type { Surface } from '../../protocol/analysis';
import { FAMILY_INFO } from '../../protocol/families';
import type { Inventory } from '../../protocol/lsp';
import { Commands, ContextKeys, Views } from '../ids';
import { asText, inventoryTree, type FamilyNode, type InventoryNode } from './inventory-model';

/** What the view needs of the language server. */
export interface InventorySource {
  inventory(): Promise<Inventory>;
  readonly onInventoryChanged: vscode.Event<void>;
}

const ICONS: Record<InventoryNode['kind'], string> = { family: 'symbol-namespace', file: 'file', function: 'symbol-function', use: 'symbol-method' };

export class InventoryView implements vscode.Disposable, vscode.TreeDataProvider<InventoryNode> {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly view: vscode.TreeView<InventoryNode>;
  private readonly subscriptions: vscode.Disposable[] = [];
  private latest: Inventory | undefined;
  private roots: FamilyNode[] = [];
  private parents = new Map<InventoryNode, InventoryNode>();
  private shown: ReadonlySet<Surface> | undefined;
  private loading: Promise<void> | undefined;
  private stale = true;

  constructor(private readonly source: InventorySource) {
    this.view = vscode.window.createTreeView(Views.Inventory, { treeDataProvider: this, showCollapseAll: true, canSelectMany: true });
    this.subscriptions.push(
      this.view, this.changed,
      this.view.onDidChangeVisibility(({ visible }) => { if (visible && this.stale) void this.load(); }),
      source.onInventoryChanged(() => {
        this.stale = true;
        if (this.view.visible) void this.load();
      }),
      vscode.commands.registerCommand(Commands.RefreshInventory, () => this.load()),
      vscode.commands.registerCommand(Commands.CollapseInventory, () => vscode.commands.executeCommand(`workbench.actions.treeView.${Views.Inventory}.collapseAll`)),
      vscode.commands.registerCommand(Commands.FilterInventory, (families?: unknown) => this.filter(families)),
      vscode.commands.registerCommand(Commands.CopyInventory, (node?: InventoryNode, selected?: InventoryNode[]) => this.copy(node, selected)),
    );
    void this.say('loading');
  }

  getChildren(node?: InventoryNode): InventoryNode[] | Promise<InventoryNode[]> {
    if (node) return [...node.children];
    if (!this.stale || this.latest) return this.roots;
    return this.load().then(() => this.roots);
  }
  getParent(node: InventoryNode): InventoryNode | undefined {
    return this.parents.get(node);
  }
  getTreeItem(node: InventoryNode): vscode.TreeItem {
    const item = new vscode.TreeItem(node.label, node.kind === 'use' ? vscode.TreeItemCollapsibleState.None : node.kind === 'family' ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed);
    item.id = node.id;
    item.description = node.description;
    item.tooltip = node.spoken;
    item.accessibilityInformation = { label: node.spoken };
    item.contextValue = node.kind;
    if (node.kind === 'file') {
      item.resourceUri = vscode.Uri.parse(node.uri);
      item.iconPath = vscode.ThemeIcon.File;
    } else {
      item.iconPath = new vscode.ThemeIcon(node.kind === 'use' && !node.usage.call ? 'symbol-constant' : ICONS[node.kind]);
    }
    if (node.kind === 'use') {
      const { start, end } = node.usage.range;
      const selection = new vscode.Range(start.line, start.column, end.line, end.column);
      item.command = { command: 'vscode.open', title: vscode.l10n.t('Open'), arguments: [vscode.Uri.parse(node.uri), { selection } satisfies vscode.TextDocumentShowOptions] };
    }
    return item;
  }

  /** What is listed now, for tests. */
  get listed(): readonly FamilyNode[] {
    return this.roots;
  }

  private load(): Promise<void> {
    this.stale = false;
    this.loading ??= this.source.inventory().then((found) => {
      this.latest = found;
      this.arrange();
    }, () => { this.stale = true; }).finally(() => { this.loading = undefined; });
    return this.loading;
  }
  private arrange(): void {
    this.roots = this.latest ? inventoryTree(this.latest, (uri) => vscode.workspace.asRelativePath(vscode.Uri.parse(uri)), this.shown) : [];
    this.parents = new Map();
    const visit = (node: InventoryNode): void => {
      for (const child of node.children) {
        this.parents.set(child, node);
        visit(child);
      }
    };
    this.roots.forEach(visit);
    this.view.message = this.shown ? vscode.l10n.t('Only {0}', [...this.shown].map((f) => FAMILY_INFO[f].label).join(', ')) : undefined;
    void this.say(this.roots.length ? 'listed' : this.shown ? 'filtered' : 'empty');
    this.changed.fire();
  }
  private say(state: 'loading' | 'listed' | 'empty' | 'filtered'): Thenable<unknown> {
    return vscode.commands.executeCommand('setContext', ContextKeys.Inventory, state);
  }

  /** Families come from a test or another extension, or the user picks them. */
  private async filter(families: unknown): Promise<void> {
    const there = inventoryTree(this.latest ?? { files: [] }, (uri) => uri);
    let wanted = Array.isArray(families) ? families as Surface[] : undefined;
    if (!wanted) {
      const picked = await vscode.window.showQuickPick(
        there.map((f) => ({ label: f.label, description: f.description, family: f.family, picked: !this.shown || this.shown.has(f.family) })),
        { canPickMany: true, title: vscode.l10n.t('Families to list') },
      );
      if (!picked) return;
      wanted = picked.map((p) => p.family);
    }
    this.shown = wanted.length === 0 || wanted.length === there.length ? undefined : new Set(wanted);
    this.arrange();
  }
  private async copy(node: InventoryNode | undefined, selected: InventoryNode[] | undefined): Promise<void> {
    const chosen = selected?.length ? selected : node ? [node] : this.view.selection.length ? this.view.selection : this.roots;
    await vscode.env.clipboard.writeText(asText(chosen));
  }

  dispose(): void {
    vscode.Disposable.from(...this.subscriptions).dispose();
  }
}
