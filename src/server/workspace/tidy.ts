/** Memory in bounds: left alone, the heap grows to several times of what is in use before garbage is collected. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes in use at which tidying begins. */
const HEAP = 64 * 1024 * 1024;

/** Gives a function to be called between files. */
export function tidier(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let limit = HEAP;
  return () => {
    if (getHeapStatistics().used_heap_size < limit) return;
    collect();
    limit = Math.max(HEAP, 1.5 * getHeapStatistics().used_heap_size);
  };
}
