/** User stacks by number, and the mappings that say which file an address lies in. */
import type { ModuleInfo, StackInfo } from '../protocol/wire';

/** A stream with more is damaged or hostile. */
const MAX_STACKS = 1 << 17;
const MAX_MODULES = 1 << 14;
const MAX_FRAMES = 128;

interface Module { start: number; end: number; offset: number; path: string; t: number }

export class Stacks {
  private readonly stacks = new Map<number, StackInfo>();
  private readonly modules = new Map<number, Module[]>();
  private moduleCount = 0;

  add(info: StackInfo): void {
    if (this.stacks.size < MAX_STACKS) this.stacks.set(info.stack, { ...info, frames: info.frames.slice(0, MAX_FRAMES) });
  }
  addModule({ pid, start, end, offset, path, t }: ModuleInfo): void {
    const module = { start: parseHex(start), end: parseHex(end), offset: parseHex(offset), path, t };
    if (!(module.end > module.start) || !(module.offset >= 0) || this.moduleCount++ >= MAX_MODULES) return;
    const ofPid = this.modules.get(pid);
    if (ofPid) ofPid.push(module);
    else this.modules.set(pid, [module]);
  }

  /** Innermost frame first, each as `file+0xoffset` of the file, or as the bare address where no mapping holds it. */
  describe(stack: number): string[] {
    const info = this.stacks.get(stack);
    if (!info) return [];
    const modules = this.modules.get(info.pid) ?? [];
    return info.frames.map((frame) => {
      const address = parseHex(frame);
      // of mappings that took turns at an address the one known last
      const module = modules.findLast((m) => address >= m.start && address < m.end);
      return module ? `${module.path}+0x${(address - module.start + module.offset).toString(16)}` : frame;
    });
  }
}

/** Addresses in user space have at most 57 bits, those of today's mappings 47: a double holds them. NaN for anything else. */
function parseHex(text: string): number {
  return /^(0x)?[0-9a-f]{1,16}$/i.test(text) ? parseInt(text, 16) : NaN;
}
