/** State, what is traced and where, numbers, and the page's few commands. */
import type { RecordingStatus } from '../src/protocol/page';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-badge/index.js';
import { formatCount, formatDuration } from '../src/protocol/units';
import { element } from './dom';

export interface ToolbarActions {
  stop(): void; save(): void; fit(): void; follow(): void; table(): void; help(): void; problem(direction: 1 | -1): void;
}

const STATE_WORDS: Record<RecordingStatus['state'], string> = {
  connecting: 'Connecting', recording: 'Recording', stopping: 'Stopping', ended: 'Ended', failed: 'Failed',
};

export class Toolbar {
  readonly node: HTMLElement;
  private readonly state = element('vscode-badge' as 'span', { class: 'state' }, 'Opening');
  private readonly target = element('span', { class: 'target' });
  private readonly numbers = element('span', { class: 'numbers' });
  private readonly stop: HTMLElement;
  private readonly save: HTMLElement;
  private readonly follow: HTMLElement;
  private readonly table: HTMLElement;

  constructor(actions: ToolbarActions) {
    const button = (icon: string, label: string, title: string, run: () => void, iconOnly = false): HTMLElement => {
      const node = element('vscode-button' as 'button', { secondary: true, icon, title, ...(iconOnly ? { 'icon-only': true, 'aria-label': label } : {}) }, ...(iconOnly ? [] : [label]));
      node.addEventListener('click', run);
      return node;
    };
    this.stop = button('debug-stop', 'Stop', 'Stop recording', actions.stop);
    this.save = button('save', 'Save', 'Save as .ringtrace', actions.save);
    this.follow = button('arrow-circle-right', 'Follow', 'Follow the end (l)', actions.follow);
    this.table = button('table', 'Table', 'The same operations as a table (t)', actions.table);
    this.node = element('header', { class: 'toolbar', 'aria-label': 'Recording' },
      element('div', { class: 'who' }, this.state, this.target), this.numbers,
      element('div', { class: 'buttons', role: 'toolbar', 'aria-label': 'Timeline commands' },
        this.stop, this.follow,
        button('arrow-up', 'Previous problem', 'Previous problem (p)', () => actions.problem(-1), true),
        button('arrow-down', 'Next problem', 'Next problem (n)', () => actions.problem(1), true),
        button('screen-normal', 'Fit', 'Fit the whole recording (0)', actions.fit), this.table, this.save,
        button('question', 'Keys', 'Keys (?)', actions.help, true)));
  }

  update(status: RecordingStatus | undefined, view: { follow: boolean; table: boolean }): void {
    const live = status !== undefined && ['connecting', 'recording', 'stopping'].includes(status.state);
    this.stop.hidden = !live;
    this.follow.hidden = !live;
    this.save.hidden = !status || status.saved || status.state === 'failed' || status.state === 'connecting';
    this.follow.setAttribute('aria-pressed', String(view.follow));
    this.follow.classList.toggle('on', view.follow);
    this.table.setAttribute('aria-pressed', String(view.table));
    this.table.classList.toggle('on', view.table);
    if (!status) return;
    this.state.textContent = STATE_WORDS[status.state];
    this.state.dataset.state = status.state;
    this.target.textContent = [status.what, status.where].filter(Boolean).join('  ·  ');
    this.target.title = this.target.textContent;
    const lost = status.lost.kernel + status.lost.stream;
    this.numbers.replaceChildren(
      number(formatCount(status.spans), status.spans === 1 ? 'span' : 'spans'),
      ...(status.calls > 0 ? [number(formatCount(status.calls), status.calls === 1 ? 'call' : 'calls')] : []),
      ...(status.counted > 0 ? [number(formatCount(status.counted), 'counted')] : []),
      number(formatDuration(status.end), ''),
      number(formatCount(status.spansPerSecond), 'spans/s'),
      number(formatCount(lost), 'lost', lost > 0 ? 'bad' : ''),
    );
  }
}

function number(value: string, unit: string, className = ''): HTMLElement {
  return element('span', { class: `number ${className}` }, element('b', {}, value), unit ? ` ${unit}` : '');
}
