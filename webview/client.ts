/** Requests with ids over the message channel; replies arrive as promises. */
import type { PageRequestName, PageRequests, RecordingStatus, ToPage } from '../src/protocol/page';
import { onMessage, send } from './vscode-api';

/** The host would not answer, with its words. */
export class Refused extends Error {}

interface Waiting { resolve(value: unknown): void; reject(error: Error): void }

export class Client {
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;

  constructor(onStatus: (status: RecordingStatus) => void) {
    onMessage((message: ToPage) => {
      switch (message.kind) {
        case 'status': onStatus(message.status); break;
        case 'reply': this.take(message.id)?.resolve(message.value); break;
        case 'refused': this.take(message.id)?.reject(new Refused(message.message)); break;
      }
    });
  }

  request<K extends PageRequestName>(name: K, args: PageRequests[K]['args']): Promise<PageRequests[K]['reply']> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: (value) => resolve(value as PageRequests[K]['reply']), reject });
      send({ kind: 'request', id, name, args } as Parameters<typeof send>[0]);
    });
  }

  private take(id: number): Waiting | undefined {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    return waiting;
  }
}
