/** What the numbers in spans are called: processes, threads, rings, files. */
import type { FileInfo, Info, RingInfo } from '../protocol/wire';

/** A descriptor is reused in the course of a recording: each name holds from its time on. */
interface FileName { t: number; path: string; direct: boolean }

export class Names {
  readonly processes = new Map<number, string>();
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
    }
  }

  private addFile({ t, pid, fd, path, direct }: FileInfo): void {
    let ofPid = this.files.get(pid);
    if (!ofPid) this.files.set(pid, (ofPid = new Map<number, FileName[]>()));
    const names = ofPid.get(fd);
    if (!names) ofPid.set(fd, [{ t, path, direct }]);
    else if (names.at(-1)!.path !== path || names.at(-1)!.direct !== direct) names.push({ t, path, direct });
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
