/** What to say when there is nothing to draw, and what is wrong when there is. */
import type { RecordingStatus } from '../src/protocol/page';
import '@vscode-elements/elements/dist/vscode-progress-ring/index.js';
import { plural } from '../src/protocol/units';
import { modeWords } from '../src/protocol/mode-words';
import { element } from './dom';
import { hasContent } from './row-kind';
import { send } from './vscode-api';

function action(label: string, command: 'showLog' | 'doctor'): HTMLElement {
  const button = element('vscode-button' as 'button', { secondary: true }, label);
  button.addEventListener('click', () => send({ kind: 'command', command }));
  return button;
}

/** A strip above the timeline: cut off, lost, degraded. Absent when all is well. */
export class Banner {
  readonly node = element('div', { class: 'banner', role: 'alert', hidden: true });
  private shown = '';

  update(status: RecordingStatus): void {
    const lines = bannerLines(status);
    const key = lines.map((l) => l.text).join('\n');
    if (key === this.shown) return;
    this.shown = key;
    this.node.hidden = lines.length === 0;
    this.node.replaceChildren(...lines.map(({ text, hint, log }) => element('p', {},
      element('strong', {}, text), ` ${hint} `, ...(log ? [action('Show log', 'showLog')] : []))));
  }
}

function bannerLines(status: RecordingStatus): { text: string; hint: string; log: boolean }[] {
  const lines: { text: string; hint: string; log: boolean }[] = [];
  // without a span the whole page says it
  if (status.problem && hasContent(status)) lines.push({ text: status.problem.message, hint: status.problem.hint, log: true });
  const { kernel, stream } = status.lost;
  if (kernel + stream > 0) {
    lines.push({ text: `${plural(kernel + stream, 'record')} lost.`, hint: 'The spans shown are not all there were; the totals in the table are exact where the kernel counted them.', log: false });
  }
  const mode = modeWords(status.mode, status.every);
  if (mode && hasContent(status)) {
    lines.push({
      text: `${mode[0]!.toUpperCase()}${mode.slice(1)}${status.steppedDown ? `: the machine ${status.state === 'ended' ? 'could not' : 'cannot'} keep up` : ''}.`,
      hint: 'Not every operation has a span; counts and bytes in the table are exact, percentiles within 7 %.', log: false,
    });
  }
  if (status.pending > 0) {
    lines.push({
      text: `${plural(status.pending, 'operation')} in flight for long.`,
      hint: 'Drawn hatched, with an open end; n goes there. Waiting for a connection is ordinary, a read of a file that does not end is not.', log: false,
    });
  }
  if (status.refused > 0) {
    lines.push({ text: 'Asynchronous I/O was refused to a program.', hint: 'The table (t) says to which, why, and what to do.', log: false });
  }
  return lines;
}

/** In place of the timeline while it has no span. */
export class EmptyState {
  readonly node = element('div', { class: 'empty', hidden: true });
  private shown = '';

  update(status: RecordingStatus | undefined): void {
    this.node.hidden = status !== undefined && hasContent(status);
    if (this.node.hidden) return;
    const words = emptyWords(status);
    const key = `${words.title}\n${words.text}`;
    if (key === this.shown) return;
    this.shown = key;
    this.node.replaceChildren(
      ...(words.busy ? [element('vscode-progress-ring' as 'div', { 'aria-label': words.title })] : []),
      element('h2', {}, words.title), element('p', {}, words.text),
      ...(words.actions ? [element('div', { class: 'actions' }, action('What is missing?', 'doctor'), action('Show log', 'showLog'))] : []),
    );
  }
}

function emptyWords(status: RecordingStatus | undefined): { title: string; text: string; busy?: boolean; actions?: boolean } {
  if (!status) return { title: 'Opening…', text: '', busy: true };
  if (status.problem) return { title: status.problem.message, text: status.problem.hint, actions: true };
  switch (status.state) {
    case 'connecting': return { title: `Connecting to ${status.where}`, text: status.what, busy: true };
    case 'recording': return { title: 'Recording: no operation yet', text: 'Operations appear here as they finish. Let the program do asynchronous I/O; plain reads and writes are shown only if the setting ringlight.trace.apis has sync.', busy: true };
    case 'stopping': return { title: 'Stopping…', text: 'The loader sends what it still has.', busy: true };
    case 'ended': return { title: 'No operation was seen', text: `${status.refused > 0 ? 'Asynchronous I/O was refused to it. ' : ''}The program ended, or was stopped, before it used what is recorded. Check that the right process was traced, and that the setting ringlight.trace.apis has what it uses.`, actions: true };
    case 'failed': return { title: 'The recording failed', text: 'The log says why.', actions: true };
  }
}
