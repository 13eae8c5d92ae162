/** State of the page and the flow between its parts: news in, frame out, gestures to the viewport. */
import type { RecordingStatus, SpanDetail } from '../src/protocol/page';
import { modeWords } from '../src/protocol/mode-words';
import { plural } from '../src/protocol/units';
import { Announcer } from './announcer';
import { Client } from './client';
import { DetailCache } from './detail-cache';
import { DetailsPane } from './details-pane';
import { element } from './dom';
import { DrawnReports } from './drawn-reports';
import { Help } from './help';
import { attachKeys } from './keyboard';
import { Banner, EmptyState } from './notices';
import { Overview } from './overview';
import { attachPointer } from './pointer';
import { Scheduler } from './scheduler';
import { spanSentence } from './span-words';
import { nextSpan, rowSpan } from './span-steps';
import { hasContent } from './row-kind';
import { Stage } from './stage';
import { TableView } from './table-view';
import { watchTheme } from './theme';
import { TileSource } from './tile-source';
import { Toolbar } from './toolbar';
import { spanTip, Tooltip } from './tooltip';
import { loadViewState, saveViewState } from './view-state';
import { Viewport } from './viewport';
import { send } from './vscode-api';

/** Threads that wait in calls are no operations in flight: they count only where there is nothing else. */
function overviewTracks({ tracks }: RecordingStatus): number[] {
  const ops = tracks.filter((track) => track.kind === 'ops');
  return (ops.length > 0 ? ops : tracks).map((track) => track.id);
}

export class App {
  readonly node: HTMLElement;
  private status: RecordingStatus | undefined;
  /** rises with each change of the recording */
  private revision = 0;
  private selected: SpanDetail | undefined;
  private pointer: { x: number; y: number } | undefined;
  /** a frame draws an answer that no report told of yet */
  private unreported = false;
  private readonly reports = new DrawnReports();
  private readonly state = loadViewState();
  /** was selected before the page was hidden, asked for again */
  private restoring = this.state.selected;
  private readonly scheduler = new Scheduler((frame) => this.frame(frame));
  private readonly invalidate = (): void => this.scheduler.invalidate();
  private readonly failed = (error: Error): void => send({ kind: 'error', message: error.message });
  private readonly theme = watchTheme(this.invalidate);
  private readonly client = new Client((status) => this.news(status));
  private readonly details = new DetailCache(this.client);
  private readonly viewport = new Viewport(() => this.moved());
  private readonly source = new TileSource(this.client, () => {
    this.unreported = true;
    this.invalidate();
  }, this.failed);
  private readonly stage = new Stage(this.viewport, this.source, this.invalidate);
  private readonly overview = new Overview(this.client, this.viewport, this.invalidate, this.failed);
  private readonly tooltip = new Tooltip();
  private readonly announcer = new Announcer();
  private readonly help = new Help();
  private readonly banner = new Banner();
  private readonly empty = new EmptyState();
  private readonly pane = new DetailsPane({ close: () => this.select(undefined), zoom: () => this.zoomToSelected() });
  private readonly tables = new TableView(this.client, (detail) => this.select(detail, true), this.invalidate, this.failed);
  private readonly toolbar = new Toolbar({
    stop: () => send({ kind: 'command', command: 'stop' }), save: () => send({ kind: 'command', command: 'save' }),
    fit: () => this.viewport.fit(), follow: () => this.viewport.followAgain(), table: () => this.toggleTable(), help: () => this.help.toggle(),
    problem: (direction) => this.goToProblem(direction),
  });

  constructor() {
    const { state } = this;
    this.stage.scrollY = state.scrollY;
    this.stage.order = state.order;
    if (state.t0 !== undefined && state.t1 !== undefined) this.viewport.restore(state.t0, state.t1, state.follow);
    this.tables.node.hidden = !state.table;
    this.node = element('main', { class: 'ringlight' },
      this.toolbar.node, this.banner.node, this.overview.node,
      element('div', { class: 'body' }, element('div', { class: 'center' }, this.stage.node, this.tables.node, this.empty.node, this.tooltip.node), this.pane.node),
      this.announcer.node, this.help.node);
    this.attach();
    if (state.selected !== null) {
      this.details.get(state.selected).then((detail) => { if (detail && !this.selected) this.select(detail); }, this.failed)
        .finally(() => { this.restoring = null; });
    }
    this.invalidate();
  }

  private news(status: RecordingStatus): void {
    const before = this.status;
    const changed = !before || before.spans !== status.spans || before.calls !== status.calls || before.counted !== status.counted || before.pending !== status.pending || before.end !== status.end || before.state !== status.state || before.tracks.length !== status.tracks.length;
    this.status = status;
    if (changed) this.revision++;
    if (before?.state !== status.state) this.announcer.say(status.problem?.message ?? `${status.state}, ${plural(status.spans, 'operation')}${status.calls > 0 ? `, ${plural(status.calls, 'system call')}` : ''}`);
    if (before && status.mode !== before.mode) this.announcer.say(modeWords(status.mode, status.every) || 'every operation has a span again');
    const live = status.state === 'connecting' || status.state === 'recording' || status.state === 'stopping';
    this.viewport.grow(status.end, live);
    this.invalidate();
  }

  private moved(): void {
    this.store();
    this.invalidate();
  }

  private store(): void {
    const { t0, t1, follow } = this.viewport;
    Object.assign(this.state, { t0, t1, follow, scrollY: this.stage.scrollY, order: this.stage.order, selected: this.selected?.index ?? this.restoring, table: !this.tables.node.hidden });
    saveViewState(this.state);
  }

  private frame(frame: number): void {
    const { status, viewport, stage } = this;
    const table = !this.tables.node.hidden;
    this.toolbar.update(status, { follow: viewport.follow, table });
    this.empty.update(status);
    if (status) this.banner.update(status);
    const something = status !== undefined && hasContent(status);
    this.overview.node.hidden = !something;
    stage.node.hidden = !something || table;
    if (!something) return;
    this.overview.refresh(status.end, overviewTracks(status), this.revision);
    this.overview.draw(this.theme.current);
    this.tables.update(viewport, this.revision, this.selected?.index ?? null);
    if (table) return;
    stage.layOut(status);
    stage.want(this.revision);
    this.updateHover();
    const drawn = stage.draw(this.theme.current, this.selected);
    this.reports.drew({ frame, ...drawn, selected: this.selected?.index ?? null }, this.unreported);
    this.unreported = false;
  }

  private updateHover(): void {
    const { stage, pointer } = this;
    if (!pointer) {
      stage.hover = undefined;
      stage.hoveredLane = undefined;
      return this.tooltip.hide();
    }
    const hit = stage.at(pointer.x, pointer.y);
    stage.hover = hit;
    stage.hoveredLane = stage.laneAt(pointer.y)?.track.id;
    const box = stage.node.getBoundingClientRect();
    if (hit?.kind === 'span') {
      const index = hit.tile.index[hit.i]!;
      const detail = this.details.peek(index);
      if (detail) this.tooltip.show(spanTip(detail), pointer.x, pointer.y, box);
      else this.details.get(index).then(this.invalidate, this.failed);
      return;
    }
    const lines = stage.tipAt(pointer.x, pointer.y, hit);
    if (lines.length > 0) this.tooltip.show(lines, pointer.x, pointer.y, box);
    else this.tooltip.hide();
  }

  /** `reveal` moves the window to it; what was clicked is in view already. */
  private select(detail: SpanDetail | undefined, reveal = false): void {
    this.selected = detail;
    this.pane.show(detail);
    if (detail) {
      this.details.add(detail);
      this.announcer.say(spanSentence(detail));
      if (reveal) {
        this.viewport.reveal(detail.start, detail.duration, this.stage.scale.width);
        this.stage.revealLane(detail.track);
      }
    }
    this.unreported = true;
    this.store();
    this.invalidate();
  }
  private selectIndex(index: number | undefined, reveal = true): void {
    if (index === undefined) return;
    this.details.get(index).then((detail) => { if (detail) this.select(detail, reveal); }, this.failed);
  }

  private zoomToSelected(): void {
    const { selected } = this;
    if (!selected) return;
    const span = Math.max(1000, selected.duration * 3);
    const middle = selected.start + selected.duration / 2;
    this.viewport.show(middle - span / 2, middle + span / 2);
    this.stage.revealLane(selected.track);
  }

  private goToProblem(direction: 1 | -1): void {
    this.client.request('nextProblem', { from: this.selected?.index ?? -1, direction }).then((detail) => {
      if (detail) this.select(detail, true);
      else this.announcer.say(direction > 0 ? 'No further problem' : 'No earlier problem');
    }, this.failed);
  }

  private toggleTable(): void {
    const { node } = this.tables;
    node.hidden = !node.hidden;
    this.tooltip.hide();
    this.store();
    this.invalidate();
    if (!node.hidden) node.focus();
    else requestAnimationFrame(() => this.stage.node.focus());
  }

  private scroll(dy: number): void {
    this.stage.scrollY += dy;
    this.moved();
  }

  private moveLane(track: number, to: number): void {
    const ids = this.stage.lanes.map((lane) => lane.track.id).filter((id) => id !== track);
    ids.splice(Math.max(0, Math.min(ids.length, to)), 0, track);
    this.stage.order = ids;
    this.moved();
  }

  private attach(): void {
    const { stage, viewport } = this;
    const spanAt = (x: number, y: number): number | undefined => {
      const hit = stage.at(x, y);
      return hit?.kind === 'span' ? hit.tile.index[hit.i] : undefined;
    };
    attachPointer(stage, viewport, {
      hover: (x, y) => { this.pointer = { x, y }; this.invalidate(); },
      leave: () => { this.pointer = undefined; this.invalidate(); },
      click: (x, y) => {
        const index = spanAt(x, y);
        if (index === undefined) this.select(undefined);
        else this.selectIndex(index, false);
      },
      zoomTo: (x, y) => { if (spanAt(x, y) !== undefined) this.zoomToSelected(); else viewport.zoom(0.4, stage.scale.time(x)); },
      scroll: (dy) => this.scroll(dy),
      moveLane: (track, y) => {
        const over = stage.laneAt(y)?.track.id;
        if (over !== undefined && over !== track) this.moveLane(track, stage.lanes.findIndex((lane) => lane.track.id === over));
      },
    });
    attachKeys({
      pan: (fraction) => viewport.pan(viewport.span * fraction),
      zoom: (factor) => viewport.zoom(factor, this.pointer ? stage.scale.time(this.pointer.x) : (viewport.t0 + viewport.t1) / 2),
      scroll: (dy) => this.scroll(dy),
      fit: () => viewport.fit(), follow: () => viewport.followAgain(), table: () => this.toggleTable(), help: () => this.help.toggle(),
      problem: (direction) => this.goToProblem(direction),
      enter: () => { if (this.selected) this.zoomToSelected(); else this.selectFirst(); },
      escape: () => { if (this.selected) this.select(undefined); else if (!this.tables.node.hidden) this.toggleTable(); },
      hasSelection: () => this.selected !== undefined,
      next: (direction) => this.step((index, track) => nextSpan(stage, index, track, direction)),
      row: (direction) => this.step((index, track) => rowSpan(stage, index, track, direction)),
      moveLane: (direction) => {
        const at = stage.lanes.findIndex((lane) => lane.track.id === this.selected?.track);
        if (at >= 0) this.moveLane(stage.lanes[at]!.track.id, at + direction);
      },
    });
  }

  /** From the selected span to a neighbour; where spans are too many to be drawn, first closer. */
  private step(find: (index: number, track: number) => number | undefined): void {
    const { selected } = this;
    if (!selected) return;
    if (!this.stage.find(selected.index, selected.track)) return this.viewport.reveal(selected.start, selected.duration, this.stage.scale.width);
    this.selectIndex(find(selected.index, selected.track));
  }

  private selectFirst(): void {
    const { t0, t1 } = this.viewport;
    this.client.request('rows', { t0, t1, sort: 'start', offset: 0, limit: 1 }).then(({ rows }) => {
      const first = rows[0];
      if (first) this.select(first, true);
    }, this.failed);
  }
}
