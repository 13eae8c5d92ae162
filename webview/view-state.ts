/** What survives hiding the page: where one looks, not what there is to see. */
import { stored } from './vscode-api';

export interface ViewState {
  /** visible window, ns; absent before anything was shown */
  t0?: number;
  t1?: number;
  scrollY: number;
  /** keep the end of a growing recording in view */
  follow: boolean;
  selected: number | null;
  table: boolean;
  /** ids of tracks that were moved, in their order; the others follow */
  order: number[];
}

const INITIAL: ViewState = { scrollY: 0, follow: true, selected: null, table: false, order: [] };

/** Anything else that an older page may have stored is ignored. */
export function loadViewState(): ViewState {
  const old = stored.get();
  if (typeof old !== 'object' || old === null) return { ...INITIAL };
  const state: ViewState = { ...INITIAL };
  const from = old as Record<string, unknown>;
  if (Number.isFinite(from.t0) && Number.isFinite(from.t1)) {
    state.t0 = from.t0 as number;
    state.t1 = from.t1 as number;
  }
  if (Number.isFinite(from.scrollY)) state.scrollY = from.scrollY as number;
  if (typeof from.follow === 'boolean') state.follow = from.follow;
  if (typeof from.table === 'boolean') state.table = from.table;
  if (Number.isInteger(from.selected)) state.selected = from.selected as number;
  if (Array.isArray(from.order)) state.order = from.order.filter((id): id is number => Number.isInteger(id));
  return state;
}

let timer: number | undefined;
/** Stores soon; many calls in a row store once. */
export function saveViewState(state: ViewState): void {
  clearTimeout(timer);
  timer = window.setTimeout(() => stored.set(state), 100);
}
