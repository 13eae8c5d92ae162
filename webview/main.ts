/** The timeline page: puts its parts together. */
import './timeline.css';
import { PAGE_PROTOCOL_VERSION } from '../src/protocol/page';
import { App } from './app';
import { send } from './vscode-api';

window.addEventListener('error', (event) => send({ kind: 'error', message: `${event.message} (${event.filename}:${event.lineno})` }));
window.addEventListener('unhandledrejection', (event) => send({ kind: 'error', message: String(event.reason) }));
document.body.append(new App().node);
send({ kind: 'ready', version: PAGE_PROTOCOL_VERSION });
