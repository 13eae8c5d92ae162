/** Everything about the selected span. */
import type { SpanDetail } from '../src/protocol/page';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import { element } from './dom';
import { spanFields } from './span-words';

export class DetailsPane {
  readonly node = element('aside', { class: 'details', 'aria-label': 'Selected operation', hidden: true });

  constructor(private readonly actions: { close(): void; zoom(): void }) {}

  show(detail: SpanDetail | undefined): void {
    this.node.hidden = detail === undefined;
    if (!detail) return this.node.replaceChildren();
    const list = element('dl', {});
    for (const [name, value] of spanFields(detail)) list.append(element('dt', {}, name), element('dd', { class: name === 'Result' && detail.failed ? 'bad' : '' }, value));
    const title = element('h2', {}, detail.op, ' ', element('span', { class: 'muted' }, detail.api));
    const zoom = element('vscode-button' as 'button', { secondary: true, icon: 'zoom-in' }, 'Zoom to it');
    zoom.addEventListener('click', this.actions.zoom);
    const close = element('vscode-button' as 'button', { secondary: true, icon: 'close', 'icon-only': true, 'aria-label': 'Close details', title: 'Close (Escape)' });
    close.addEventListener('click', this.actions.close);
    const notes = element('ul', { class: 'notes' }, ...detail.notes.map((note) => element('li', {}, note)));
    const stack = element('ol', { class: 'stack', 'aria-label': 'Stack of who submitted' }, ...detail.stack.map((frame) => element('li', {}, frame)));
    this.node.replaceChildren(
      element('header', {}, title, close), list, ...(detail.notes.length > 0 ? [notes] : []),
      ...(detail.stack.length > 0 ? [element('h3', {}, detail.kind === 'call' ? 'Called from' : 'Submitted from'), stack] : []), zoom,
    );
  }
}
