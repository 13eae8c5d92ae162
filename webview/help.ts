/** The keys, over everything, on `?`. */
import { element } from './dom';

const KEYS: [keys: string[], does: string][] = [
  [['drag', '←', '→', 'a', 'd'], 'Pan'],
  [['wheel', '+', '−', 'w', 's'], 'Zoom at the pointer (Ctrl + wheel always zooms)'],
  [['Shift + wheel'], 'Pan sideways'],
  [['↑', '↓'], 'Scroll the lanes'],
  [['0', 'f'], 'Fit the whole recording'],
  [['l'], 'Follow the end of a running recording'],
  [['n', 'p'], 'Next, previous problem'],
  [['Enter'], 'Select the first operation in view; zoom to the selected one'],
  [['← → ↑ ↓'], 'With a selection: the next operation in time, or in the next row'],
  [['Alt + ↑', 'Alt + ↓'], 'Move the lane of the selection'],
  [['Escape'], 'Close, deselect'],
  [['t'], 'Table of the same operations'],
  [['?'], 'This list'],
];

export class Help {
  readonly node: HTMLDialogElement;

  constructor() {
    const rows = KEYS.map(([keys, does]) => element('tr', {},
      element('td', {}, ...keys.flatMap((key, i) => (i > 0 ? [' ', element('kbd', {}, key)] : [element('kbd', {}, key)]))), element('td', {}, does)));
    const close = element('vscode-button' as 'button', {}, 'Close');
    close.addEventListener('click', () => this.node.close());
    this.node = element('dialog', { class: 'help', 'aria-label': 'Keys' },
      element('h2', {}, 'Keys'), element('table', { role: 'presentation' }, element('tbody', {}, ...rows)), legend(), close);
  }

  toggle(): void {
    if (this.node.open) this.node.close();
    else this.node.showModal();
  }
  get open(): boolean {
    return this.node.open;
  }
}

/** What the colours and marks mean; colours come from the same variables as on the canvas. */
function legend(): HTMLElement {
  const items: [kind: string, means: string][] = [
    ['read', 'read, receive'], ['write', 'write, send'], ['sync', 'sync, allocate'], ['wait', 'wait, accept, poll'], ['other', 'other'],
    ['failed', 'failed'], ['pending', 'in flight for long, and still'], ['asleep', 'of a system call: asleep (how much, not when)'], ['blocked', 'of a system call: in uninterruptible sleep'], ['punted', 'punted to a worker, or its completion overflowed'],
  ];
  return element('div', {},
    element('ul', { class: 'legend', 'aria-label': 'Colours' }, ...items.map(([kind, means]) => element('li', {}, element('i', { class: `swatch ${kind}` }), means))),
    element('p', {}, 'Zoomed out, bars are as high as operations were in flight, the line is the longest latency, red at the foot are failures. Dashed red lines mark lost records. A gap inside an operation is where a worker took it, or where it began to wait. Tinted stretches have fewer spans than operations, or none.'));
}
