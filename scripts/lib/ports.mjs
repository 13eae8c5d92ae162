import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves to the port when nothing listens on it on loopback, else to undefined; 0 asks for any. */
function tryPort(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const { port: got } = server.address();
      server.close(() => resolve(got));
    });
  });
}

/** `preferred` when it is free on loopback, else any free port. */
export async function freePort(preferred = 0) {
  return (preferred && await tryPort(preferred)) || tryPort(0);
}
export const isFree = async (port) => (await tryPort(port)) !== undefined;

/** Waits until something accepts connections on the loopback port; `gaveUp()` says to stop waiting. */
export async function untilListening(port, gaveUp, deadlineMs = 60_000) {
  const deadline = Date.now() + deadlineMs;
  while (Date.now() < deadline && !gaveUp()) {
    const connected = await new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('connect', () => { socket.destroy(); resolve(true); });
      socket.once('error', () => resolve(false));
    });
    if (connected) return true;
    await sleep(100);
  }
  return false;
}
