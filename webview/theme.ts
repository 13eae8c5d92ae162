/** The host's colours for the canvas, read again whenever the host changes them. */
import type { OpClass } from '../src/protocol/ops';

export interface Theme {
  highContrast: boolean;
  font: string;
  fontSize: number;
  background: string;
  foreground: string;
  muted: string;
  line: string;
  band: string;
  gutter: string;
  accent: string;
  focus: string;
  hover: string;
  ops: Record<OpClass, string>;
  error: string;
  warning: string;
  onOp: string;
}

function readTheme(): Theme {
  const styles = getComputedStyle(document.body);
  const pick = (names: string[], fallback: string): string => {
    for (const name of names) {
      const value = styles.getPropertyValue(`--vscode-${name}`).trim();
      if (value) return value;
    }
    return fallback;
  };
  const { classList } = document.body;
  const highContrast = classList.contains('vscode-high-contrast') || classList.contains('vscode-high-contrast-light');
  const foreground = pick(['foreground'], '#888');
  const background = pick(['editor-background'], 'Canvas');
  return {
    highContrast,
    font: pick(['font-family'], 'sans-serif'),
    fontSize: parseInt(pick(['font-size'], '13px'), 10) || 13,
    background,
    foreground,
    muted: highContrast ? foreground : pick(['descriptionForeground'], foreground),
    line: pick(highContrast ? ['contrastBorder'] : ['editorIndentGuide-background1', 'panel-border', 'widget-border'], '#8884'),
    band: pick(highContrast ? ['editor-background'] : ['sideBar-background', 'editorWidget-background'], background),
    gutter: pick(['sideBar-background', 'editor-background'], background),
    accent: pick(['charts-blue', 'focusBorder'], '#3794ff'),
    focus: pick(['focusBorder'], '#3794ff'),
    hover: pick(['list-hoverForeground', 'foreground'], foreground),
    ops: {
      read: pick(['charts-blue'], '#3794ff'),
      write: pick(['charts-orange'], '#d18616'),
      sync: pick(['charts-purple'], '#b180d7'),
      wait: pick(['charts-green'], '#89d185'),
      other: pick(['descriptionForeground', 'foreground'], '#888'),
    },
    error: pick(['charts-red', 'errorForeground'], '#f14c4c'),
    warning: pick(['charts-yellow', 'editorWarning-foreground'], '#cca700'),
    onOp: background,
  };
}

/** The current theme; `changed` is called after each change. */
export function watchTheme(changed: () => void): { current: Theme } {
  const holder = { current: readTheme() };
  const read = (): void => {
    holder.current = readTheme();
    changed();
  };
  const observer = new MutationObserver(read);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style', 'class'] });
  observer.observe(document.body, { attributes: true, attributeFilter: ['class', 'style', 'data-vscode-theme-id'] });
  return holder;
}

