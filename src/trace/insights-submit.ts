/** Submissions of libaio that block, each with its proof: what finished inside them, or their time in uninterruptible sleep. */
import type { Insight } from '../protocol/summary';
import { formatCount, formatDuration, plural } from '../protocol/units';
import type { BlockedSubmits } from './call-stats';
import type { BufferedFile, Stats } from './op-stats';
import type { TraceStore } from './store';
import { MAX_ALIKE, who } from './who';

/** Below this a lock that was busy for a moment explains it, and nobody can do anything about it. */
const NOTICEABLE_NS = 100_000;
const NOTICEABLE_SHARE = 0.1;

/** Files whose operations finish before `io_submit` returns. */
function bufferedFiles(stats: Stats): BufferedFile[] {
  return [...stats.buffered.values()].filter((f) => f.insideSubmit >= 2 && f.insideSubmit >= 0.9 * f.count).sort((a, b) => b.insideSubmit - a.insideSubmit);
}

export function blockingSubmits(store: TraceStore, stats: Stats): Insight[] {
  return bufferedFiles(stats)
    .slice(0, MAX_ALIKE)
    .map((f): Insight => {
      const isFile = f.path.startsWith('/');
      const blocked = stats.calls.submits.get(f.pid);
      return {
        id: 'blocking-submit', severity: 'warning',
        message: `io_submit blocks: operations on ${f.path} finish before it returns, because ${isFile ? 'the file is not open with O_DIRECT' : 'libaio is not asynchronous on it'}.`,
        evidence: `${formatCount(f.insideSubmit)} of ${plural(f.count, 'operation')} of ${who(store, f.pid)} finished inside io_submit, which took up to ${formatDuration(f.worstSubmit)}.`
          + (blocked && blocked.blocked > 0 ? ` ${blockedWords(blocked)}` : ''),
        rule: isFile ? 'aio-buffered-io' : 'aio-stream-fd',
      };
    });
}

/** Processes whose submissions slept, but for those that `blocking-submit` of a file tells of already. */
export function blockedSubmits(store: TraceStore, stats: Stats): Insight[] {
  const told = new Set(bufferedFiles(stats).map((f) => f.pid));
  return [...stats.calls.submits.values()]
    .filter((s) => s.blocked > 0 && !told.has(s.pid))
    .sort((a, b) => b.blocked_ns - a.blocked_ns)
    .slice(0, MAX_ALIKE)
    .flatMap((s): Insight[] => {
      const files = submittedFiles(store, s);
      const buffered = files.filter((f) => !f.direct && f.path.startsWith('/'));
      const evidence = `${blockedWords(s)} ${who(store, s.pid)} submitted for ${files.length > 0 ? files.slice(0, MAX_ALIKE).map((f) => f.path).join(', ') : 'files whose names are not known'}.`;
      if (buffered.length > 0) {
        return [{
          id: 'blocking-submit', severity: 'warning',
          message: `io_submit blocks: ${buffered.length === 1 ? `${buffered[0]!.path} is` : `${plural(buffered.length, 'file')} are`} not open with O_DIRECT.`,
          evidence, rule: 'aio-buffered-io',
        }];
      }
      if (s.longest_ns < NOTICEABLE_NS || s.blocked_ns < NOTICEABLE_SHARE * s.total_ns) return [];
      return [{
        id: 'blocking-submit', severity: 'information',
        message: files.length > 0 && files.every((f) => f.direct)
          ? 'io_submit blocks though the files are open with O_DIRECT: the kernel waited for a lock, for space in the file, or for a free request of the device.'
          : 'io_submit blocks.',
        evidence,
      }];
    });
}

function blockedWords({ calls, blocked, total_ns, blocked_ns, longest_ns }: BlockedSubmits): string {
  return `${formatCount(blocked)} of ${plural(calls, 'call')} of io_submit were in uninterruptible sleep: ${formatDuration(blocked_ns)} of ${formatDuration(total_ns)}, up to ${formatDuration(longest_ns)} at once.`;
}

/** What was submitted by the calls that slept longest, where the names are known. */
function submittedFiles(store: TraceStore, { pid, rows }: BlockedSubmits): { path: string; direct: boolean }[] {
  const { calls, spans, names } = store;
  const found = new Map<string, { path: string; direct: boolean }>();
  const tracks = store.tracks.filter((t) => t.kind === 'ops' && t.api === 'libaio' && t.pid === pid);
  for (const row of rows) {
    const { tid } = store.tracks[calls.track(row)]!;
    for (const track of tracks) {
      for (const index of track.index.startingIn(calls.start(row), calls.end(row))) {
        if (spans.tid(index) !== tid) continue;
        const file = names.file(pid, spans.fd(index), spans.start(index));
        if (file) found.set(file.path, { path: file.path, direct: file.direct });
      }
    }
  }
  return [...found.values()];
}
