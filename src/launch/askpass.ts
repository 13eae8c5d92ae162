/**
 * The program ssh runs as SSH_ASKPASS: hands the prompt to the process that started ssh, over the unix socket named
 * in RINGLIGHT_ASKPASS_SOCKET, and prints the answer. Leaves with status 1 when the user cancelled.
 * The protocol is one JSON line each way: {@link AskpassQuestion}, {@link AskpassAnswer}.
 */
import { connect } from 'node:net';
import type { AskpassAnswer, AskpassQuestion } from './askpass-server';

const path = process.env['RINGLIGHT_ASKPASS_SOCKET'];
if (path === undefined) {
  process.stderr.write('askpass: only ssh, started by Ringlight, runs this program\n');
  process.exit(1);
}
const question: AskpassQuestion = { prompt: process.argv[2] ?? '', kind: process.env['SSH_ASKPASS_PROMPT'] ?? '' };
const socket = connect(path);
let reply = '';
socket.setEncoding('utf8');
socket.on('connect', () => socket.write(`${JSON.stringify(question)}\n`));
socket.on('data', (text: string) => { reply += text; });
socket.on('error', () => process.exit(1));
socket.on('end', () => {
  const { answer } = (reply ? JSON.parse(reply) : {}) as AskpassAnswer;
  if (answer === undefined) process.exit(1);
  process.stdout.write(`${answer}\n`, () => process.exit(0));
});
