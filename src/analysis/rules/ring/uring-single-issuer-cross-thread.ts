import { pointees, within, type Memory } from '../../flow/memory';
import type { Flow } from '../../flow/program';
import { possibly, ringUses, setupFlag, setupsIn, setups, sharedName, surely, type RingUse, type Setup } from '../../idioms/ring-setup';
import { callersOf, reachedFrom, threadStarts, type ThreadStart } from '../../idioms/threads';
import type { Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';
import { singleIssuerInRust } from './uring-single-issuer-cross-thread.rust';

export const uringSingleIssuerCrossThread: Rule = {
  info: {
    id: 'uring-single-issuer-cross-thread', languages: ['c', 'cpp', 'rust'], severity: 'error', confidence: 'likely',
    summary: 'A ring with IORING_SETUP_SINGLE_ISSUER is submitted to by another thread than the one that created it.',
  },
  why: 'With IORING_SETUP_SINGLE_ISSUER the task that created the ring (or enabled it, with R_DISABLED) is the only one that may submit; any other gets EEXIST.',
  families: ['liburing', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') singleIssuerInRust(file, report);
  },
  check(file, func, report) {
    if (file.language === 'rust') return;
    if (func.damaged || !file.program.mentions(func, /io_uring_submit/) || !file.program.functions(/SINGLE_ISSUER|1\s*[uU]?\s*<<\s*12/).length) return;
    const starts = threadStarts(file).filter((t) => reachedFrom(file, t.entry).has(func));
    if (!starts.length) return;
    for (const use of ringUses(file, func)) {
      if (!/^io_uring_submit/.test(use.call.name) || use.keys.length !== 1) continue;
      for (const start of starts) {
        const setup = foreignSetup(file, func, use, start);
        if (!setup) continue;
        report({
          at: placeOf(func, use.call),
          message: `${use.call.name}() runs on another thread than the one that created this ring with IORING_SETUP_SINGLE_ISSUER, and fails with EEXIST. Create the ring on the thread that submits.`,
          related: [
            { at: placeOf(setup.func, setup.at), message: 'the ring is created here' },
            { at: placeOf(start.creator, start.at), message: 'the thread that submits is started here' },
          ],
        });
        break;
      }
    }
  },
};

/** The creation of the ring on the thread that starts the one the use is on; undefined when it may be another thread, or another ring. */
function foreignSetup(file: View, func: Func, use: RingUse, start: ThreadStart): Setup | undefined {
  const onThread = reachedFrom(file, start.entry);
  // also called by code that does not run on that thread
  if (func !== start.entry && callersOf(file, func).some((c) => !onThread.has(c))) return undefined;
  const single = (s: Setup): boolean => surely(s.flags, setupFlag('SINGLE_ISSUER')) && !possibly(s.flags, setupFlag('R_DISABLED'));
  const [key] = use.keys as [string];
  if (func === start.entry) {
    const own = setupsIn(file, start.creator).filter((s) => s.ring !== undefined && handedOver(file, start, key).includes(s.ring));
    if (own.length) return own.every(single) ? own[0] : undefined;
  }
  const name = sharedName(key);
  if (name === undefined) return undefined;
  const named = setups(file).filter((s) => s.ring !== undefined && sharedName(s.ring) === name);
  const elsewhere = named.every((s) => single(s) && !onThread.has(s.func));
  return elsewhere ? named.find((s) => isOnCreatorsSide(file, s.func, start.creator)) : undefined;
}

/** What memory of the entry's is in the function that starts the thread. */
function handedOver(file: View, start: ThreadStart, key: string): string[] {
  const { entry, creator } = start;
  const param = entry.params.findIndex((p) => within(key, `${p.id}*`));
  // a lambda sees the variables of the function around it as they are
  if (param < 0) return entry.parent === creator ? [key] : [];
  const argument = start.args[param];
  const flow = argument && file.program.flow(creator);
  if (!flow) return [];
  const rest = key.slice(entry.params[param]!.id.length + 1);
  const memory = memoryAt(flow, start);
  return memory ? pointees(flow.value(argument, memory)).map((k) => k + rest) : [];
}
function memoryAt(flow: Flow, start: ThreadStart): Memory | undefined {
  let found: Memory | undefined;
  flow.replay((event, memory) => {
    if (event.kind === 'call' && event.call === start.at) found = memory;
    // `std::thread t(…)` is a declaration
    if (event.kind === 'declare' && event.init === start.at) found = memory;
  });
  return found;
}

/** The ring is created by the function that starts the thread, before or after a call, or by its class. */
function isOnCreatorsSide(file: View, maker: Func, creator: Func): boolean {
  return maker === creator || reachedFrom(file, creator).has(maker) || reachedFrom(file, maker).has(creator) || (maker.owner !== '' && maker.owner === creator.owner)
    || callersOf(file, creator).some((c) => reachedFrom(file, c).has(maker));
}
