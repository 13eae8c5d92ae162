/** Every gesture has a key; the list for people is in help.ts. */
export interface KeyActions {
  pan(fraction: number): void;
  zoom(factor: number): void;
  scroll(dy: number): void;
  fit(): void; follow(): void; table(): void; help(): void;
  problem(direction: 1 | -1): void;
  enter(): void; escape(): void;
  /** with a selection, arrows move it */
  hasSelection(): boolean;
  next(direction: 1 | -1): void;
  row(direction: 1 | -1): void;
  moveLane(direction: 1 | -1): void;
}

/** On the whole page, except where a control wants the key itself. */
export function attachKeys(actions: KeyActions): void {
  window.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey) return;
    const target = event.composedPath()[0];
    const onCanvas = target instanceof HTMLCanvasElement || target === document.body;
    if (!onCanvas && ['Enter', ' ', 'ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'].includes(event.key)) return;
    if (target instanceof HTMLElement && target.closest('dialog') && event.key !== '?') return;
    if (handle(event, actions)) event.preventDefault();
  });
}

function handle(event: KeyboardEvent, actions: KeyActions): boolean {
  if (event.altKey) {
    if (event.key === 'ArrowUp') actions.moveLane(-1);
    else if (event.key === 'ArrowDown') actions.moveLane(1);
    else return false;
    return true;
  }
  const selected = actions.hasSelection();
  switch (event.key) {
    case 'ArrowLeft': if (selected) actions.next(-1); else actions.pan(-0.15); return true;
    case 'ArrowRight': if (selected) actions.next(1); else actions.pan(0.15); return true;
    case 'ArrowUp': if (selected) actions.row(-1); else actions.scroll(-60); return true;
    case 'ArrowDown': if (selected) actions.row(1); else actions.scroll(60); return true;
    case 'a': actions.pan(-0.15); return true;
    case 'd': actions.pan(0.15); return true;
    case 'w': case '+': case '=': actions.zoom(0.7); return true;
    case 's': case '-': case '_': actions.zoom(1 / 0.7); return true;
    case '0': case 'f': actions.fit(); return true;
    case 'l': actions.follow(); return true;
    case 't': actions.table(); return true;
    case 'n': actions.problem(1); return true;
    case 'p': actions.problem(-1); return true;
    case 'Enter': actions.enter(); return true;
    case 'Escape': actions.escape(); return true;
    case '?': actions.help(); return true;
    default: return false;
  }
}
