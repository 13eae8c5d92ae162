/** The same operations as tables: the accessible twin of the canvas. */
import type { PageRequests, SpanDetail } from '../src/protocol/page';
import type { TraceSummary } from '../src/protocol/summary';
import { formatCount, formatDuration, plural } from '../src/protocol/units';
import type { Client } from './client';
import { summaryTables } from './summary-tables';
import { element } from './dom';
import { fileWords, resultWords, sizeWords } from './span-words';

const PAGE_ROWS = 100;
const REFRESH_MS = 1000;
type Sort = PageRequests['rows']['args']['sort'];

export class TableView {
  readonly node = element('section', { class: 'tables', 'aria-label': 'Operations as tables', hidden: true, tabindex: -1 });
  private readonly scope = element('p', { class: 'muted' });
  private readonly summary = element('div', {});
  private readonly insights = element('div', {});
  private readonly rows = element('div', {});
  private window = { t0: 0, t1: 0 };
  private sort: Sort = 'start';
  private offset = 0;
  private shown = { key: '', revision: -1, at: -Infinity };
  private loading = false;
  private later: ReturnType<typeof setTimeout> | undefined;
  private selected: number | null = null;

  constructor(private readonly client: Client, private readonly select: (detail: SpanDetail) => void,
    private readonly invalidate: () => void, private readonly failed: (error: Error) => void) {
    this.node.append(this.scope, this.insights, this.summary, element('h2', {}, 'Operations'), this.rows);
  }

  /** Shows the window; asks only when something changed, and one question at a time. */
  update(window: { t0: number; t1: number }, revision: number, selected: number | null): void {
    if (this.node.hidden) return;
    if (selected !== this.selected) {
      this.selected = selected;
      for (const row of this.rows.querySelectorAll<HTMLElement>('tr[data-index]')) row.setAttribute('aria-selected', String(row.dataset.index === String(selected)));
    }
    const moved = window.t0 !== this.window.t0 || window.t1 !== this.window.t1;
    if (moved) this.offset = 0;
    const key = `${window.t0} ${window.t1} ${this.sort} ${this.offset}`;
    if (this.loading || (key === this.shown.key && revision === this.shown.revision)) return;
    // a growing recording changes several times a second; a table that does cannot be read
    const wait = this.shown.at + REFRESH_MS - performance.now();
    if (key === this.shown.key && wait > 0) {
      clearTimeout(this.later);
      this.later = setTimeout(this.invalidate, wait);
      return;
    }
    this.window = { ...window };
    this.shown = { key, revision, at: performance.now() };
    this.loading = true;
    this.load().catch(this.failed).finally(() => {
      this.loading = false;
      this.invalidate();
    });
  }

  private async load(): Promise<void> {
    const { t0, t1 } = this.window;
    const [summary, rows] = await Promise.all([
      this.client.request('summary', { t0, t1 }),
      this.client.request('rows', { t0, t1, sort: this.sort, offset: this.offset, limit: PAGE_ROWS }),
    ]);
    const calls = summary.calls.reduce((n, c) => n + c.count, 0);
    this.scope.textContent = `${plural(summary.records, 'span')}${calls > 0 ? ` and ${plural(calls, 'system call')}` : ''} in the visible window, ${formatDuration(summary.duration_ns)}. Zoom or fit the timeline to change it.`;
    this.summary.replaceChildren(...summaryTables(summary));
    this.insights.replaceChildren(...insightList(summary));
    this.showRows(rows);
  }

  private showRows({ total, rows }: PageRequests['rows']['reply']): void {
    const head = (title: string, sort?: Sort): HTMLElement => {
      if (!sort) return element('th', { scope: 'col' }, title);
      const button = element('button', { class: 'sort' }, title, sort === this.sort ? (sort === 'start' ? ' ↑' : ' ↓') : '');
      button.addEventListener('click', () => this.go(sort, 0));
      return element('th', { scope: 'col', 'aria-sort': sort !== this.sort ? 'none' : sort === 'start' ? 'ascending' : 'descending' }, button);
    };
    const body = element('tbody', {}, ...rows.map((d) => this.row(d)));
    const table = element('table', { class: 'spans', 'aria-label': 'Operations in the visible window' },
      element('thead', {}, element('tr', {}, head('Start', 'start'), head('Operation'), head('Process'), head('File'), head('Size'), head('Result'), head('Latency', 'duration'), head('Notes'))), body);
    const last = Math.min(total, this.offset + rows.length);
    const page = (label: string, offset: number, enabled: boolean): HTMLElement => {
      const button = element('vscode-button' as 'button', { secondary: true, disabled: !enabled }, label);
      button.addEventListener('click', () => this.go(this.sort, offset));
      return button;
    };
    this.rows.replaceChildren(table, element('div', { class: 'pager' },
      page('Previous', Math.max(0, this.offset - PAGE_ROWS), this.offset > 0),
      element('span', {}, total === 0 ? 'none' : `${formatCount(this.offset + 1)} – ${formatCount(last)} of ${formatCount(total)}`),
      page('Next', this.offset + PAGE_ROWS, last < total)));
  }

  private go(sort: Sort, offset: number): void {
    this.sort = sort;
    this.offset = offset;
    this.invalidate();
  }

  private row(d: SpanDetail): HTMLElement {
    const open = element('button', { class: 'link' }, formatDuration(d.start));
    open.addEventListener('click', () => this.select(d));
    return element('tr', { 'data-index': d.index, 'aria-selected': String(d.index === this.selected) },
      element('td', {}, open), element('td', {}, d.op), element('td', {}, `${d.comm || '?'} (${d.pid})`), element('td', { class: 'path' }, fileWords(d)),
      element('td', { class: 'num' }, sizeWords(d)), element('td', { class: d.failed ? 'num bad' : 'num' }, resultWords(d)),
      element('td', { class: 'num' }, formatDuration(d.duration)), element('td', {}, d.notes.join('; ')));
  }
}

function insightList({ insights }: TraceSummary): HTMLElement[] {
  if (insights.length === 0) return [];
  return [
    element('h2', {}, 'What stands out'),
    element('ul', { class: 'insights' }, ...insights.map((i) => element('li', { class: i.severity },
      element('strong', {}, i.message), i.rule ? element('code', {}, i.rule) : '', element('div', { class: 'muted' }, i.evidence)))),
  ];
}
