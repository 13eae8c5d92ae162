/** Stands in for the editor in a plain browser: same door, messages over fetch and server-sent events. Development and tests only. */
import type { FromPage, ToPage } from '../../src/protocol/page';
import type { DevHandle } from './bridge-types';
import { THEMES, type ThemeName } from './themes';

const STATE_KEY = 'ringlight-state';
const COLUMNS = { Uint8Array, Uint16Array, Uint32Array, Float32Array, Float64Array };

function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('$column' in value)) return value;
  const { $column, base64 } = value as { $column: keyof typeof COLUMNS; base64: string };
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return new COLUMNS[$column](bytes.buffer);
}
function deliver(text: string): void {
  window.dispatchEvent(new MessageEvent('message', { data: JSON.parse(text, revive) as ToPage }));
}

const dev: DevHandle = {
  drawn: [], errors: [], commands: [],
  setTheme(name) {
    const { bodyClass, variables } = THEMES[name];
    document.documentElement.removeAttribute('style');
    document.body.className = bodyClass;
    for (const [key, value] of Object.entries(variables)) document.documentElement.style.setProperty(`--vscode-${key}`, value);
  },
};
window.ringlightDev = dev;

async function forward(message: FromPage): Promise<void> {
  if (message.kind === 'drawn') dev.drawn.push(message.report);
  if (message.kind === 'error') dev.errors.push(message.message);
  if (message.kind === 'command') dev.commands.push(message.command);
  const reply = await fetch('message', { method: 'POST', body: JSON.stringify(message) });
  const text = await reply.text();
  if (text) deliver(text);
}

window.acquireVsCodeApi = () => ({
  postMessage: (message: FromPage) => void forward(message),
  getState: () => JSON.parse(sessionStorage.getItem(STATE_KEY) ?? 'null') as unknown,
  setState: (state: unknown) => sessionStorage.setItem(STATE_KEY, JSON.stringify(state)),
});

const asked = new URLSearchParams(location.search).get('theme') ?? 'dark';
dev.setTheme(asked in THEMES ? (asked as ThemeName) : 'dark');
new EventSource('events').addEventListener('message', (event: MessageEvent<string>) => deliver(event.data));
