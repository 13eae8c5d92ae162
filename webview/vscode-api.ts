/** The page's only door to its host, typed. */
import type { FromPage, ToPage } from '../src/protocol/page';

interface Host {
  postMessage(message: FromPage): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): Host;

/** May be acquired once only. */
const host = acquireVsCodeApi();

export function send(message: FromPage): void {
  host.postMessage(message);
}
export function onMessage(listener: (message: ToPage) => void): void {
  window.addEventListener('message', (event: MessageEvent<ToPage>) => listener(event.data));
}
export const stored = {
  get: (): unknown => host.getState(),
  set: (state: unknown): void => host.setState(state),
};
