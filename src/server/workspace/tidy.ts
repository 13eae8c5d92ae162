/** Memory in bounds: left alone, the heap grows to several times of what is in use before garbage is collected. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes in use at which tidying begins in what runs for long beside others. */
const HEAP = 64 * 1024 * 1024;

/** Gives a function to be called between files. `least`: bytes in use at which tidying begins; each time costs some 0.1 s. */
export function tidier(least = HEAP): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let limit = least;
  return () => {
    if (getHeapStatistics().used_heap_size < limit) return;
    collect();
    limit = Math.max(least, 1.5 * getHeapStatistics().used_heap_size);
  };
}
