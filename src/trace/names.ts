/** What the numbers in spans are called: processes, threads, rings, files, stacks. */
import type { FileInfo, Info, RingInfo } from '../protocol/wire';
import { Stacks } from './stacks';

/** A descriptor is reused in the course of a recording: each name holds from its time on. */
export type FileName = Pick<FileInfo, 't' | 'path' | 'direct' | 'fs' | 'block'>;

export class Names {
  readonly processes = new Map<number, string>();
  readonly stacks = new Stacks();
  private readonly threads = new Map<number, string>();
  private readonly rings = new Map<number, RingInfo>();
  /** pid, then fd; oldest name first */
  private readonly files = new Map<number, Map<number, FileName[]>>();

  add(info: Info): void {
    switch (info.kind) {
      case 'process': this.processes.set(info.pid, info.comm); break;
      case 'thread': this.threads.set(info.tid, info.comm); break;
      case 'ring': this.rings.set(info.ring, info); break;
      case 'file': this.addFile(info); break;
      case 'stack': this.stacks.add(info); break;
      case 'module': this.stacks.addModule(info); break;
      // no number stands for it: the store keeps it
      case 'refused': break;
    }
  }

  private addFile({ pid, fd, t, path, direct, fs, block }: FileInfo): void {
    const name: FileName = { t, path, direct, ...(fs ? { fs } : {}), ...(block ? { block } : {}) };
    let ofPid = this.files.get(pid);
    if (!ofPid) this.files.set(pid, (ofPid = new Map<number, FileName[]>()));
    const names = ofPid.get(fd);
    if (!names) ofPid.set(fd, [name]);
    else if (!isSame(names.at(-1)!, name)) names.push(name);
  }

  comm(pid: number): string {
    return this.processes.get(pid) ?? '';
  }
  thread(tid: number): string {
    return this.threads.get(tid) ?? '';
  }
  ring(ring: number): RingInfo | undefined {
    return this.rings.get(ring);
  }
  allRings(): RingInfo[] {
    return [...this.rings.values()];
  }
  /** The file behind a descriptor at `time`. The loader looks a name up only after it has seen the number, hence the first one serves for earlier times too. */
  file(pid: number, fd: number, time: number): FileName | undefined {
    const names = this.files.get(pid)?.get(fd);
    return names?.findLast((name) => name.t <= time) ?? names?.[0];
  }
}

function isSame(a: FileName, b: FileName): boolean {
  return a.path === b.path && a.direct === b.direct && a.fs === b.fs && a.block === b.block;
}
