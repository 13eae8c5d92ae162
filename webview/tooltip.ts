/** The box at the pointer. Its text is set as text, always. */
import type { SpanDetail } from '../src/protocol/page';
import { formatBytes, formatDuration } from '../src/protocol/units';
import { element } from './dom';
import { fileWords, phaseWords, resultWords, sizeWords } from './span-words';

export type TipLine = string | { strong: string; rest?: string } | { bad: string };

export class Tooltip {
  readonly node = element('div', { class: 'tooltip', hidden: true, role: 'presentation' });

  show(lines: TipLine[], x: number, y: number, within: DOMRect): void {
    this.node.replaceChildren(...lines.map(lineNode));
    this.node.hidden = false;
    const { offsetWidth: w, offsetHeight: h } = this.node;
    const left = x + 14 + w > within.width ? Math.max(4, x - w - 10) : x + 14;
    const top = y + 16 + h > within.height ? Math.max(4, y - h - 10) : y + 16;
    this.node.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }
  hide(): void {
    this.node.hidden = true;
  }
}

function lineNode(line: TipLine): HTMLElement {
  if (typeof line === 'string') return element('div', {}, line);
  if ('bad' in line) return element('div', { class: 'bad' }, line.bad);
  return element('div', {}, element('strong', {}, line.strong), line.rest ? ` ${line.rest}` : '');
}

export function spanTip(d: SpanDetail): TipLine[] {
  return [
    { strong: d.op, rest: [`${d.kind === 'pending' ? 'in flight for ' : ''}${formatDuration(d.duration)}`, sizeWords(d)].filter(Boolean).join(' · ') },
    fileWords(d),
    [d.fs, d.block > 0 ? `blocks of ${formatBytes(d.block)}` : ''].filter(Boolean).join(', '),
    phaseWords(d),
    d.chain > 0 ? `chain #${d.chain}` : '',
    d.failed ? { bad: `result ${resultWords(d)}` } : `result ${resultWords(d)}`,
    ...d.notes,
  ].filter((line) => line !== '');
}
