import { AIO_TRANSFERS } from '../../api/names';
import { flagState, O_NONBLOCK, originsOf } from '../../idioms/fd-origin';
import { bare } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule } from '../rule';

const STREAMS = new Set(['socket', 'pipe', 'eventfd', 'timerfd', 'signalfd', 'inotify', 'terminal']);

export const aioStreamFd: Rule = {
  info: {
    id: 'aio-stream-fd', languages: ['c', 'cpp'], severity: 'warning', confidence: 'certain',
    summary: 'A libaio transfer on a socket, pipe or the like: io_submit blocks until there is data.',
  },
  why: 'The kernel does a transfer on a socket, pipe, eventfd or terminal inside io_submit(), and sleeps there until data arrives. io_prep_poll() is what such descriptors are for.',
  families: ['libaio'],
  tokens: /io_prep_p(?:read|write)/,
  check(file, func, report) {
    const flow = func.damaged ? undefined : file.program.flow(func);
    flow?.replay((event, memory) => {
      if (event.kind !== 'call' || !AIO_TRANSFERS.has(event.call.name) || event.call.callee.kind !== 'name' || file.program.defines(event.call.name)) return;
      const fd = event.call.args[1];
      const origins = fd && originsOf(file, flow, fd, memory);
      if (!fd || !origins?.length || !origins.every((o) => STREAMS.has(o.kind))) return;
      const states = origins.map((o) => flagState(o, O_NONBLOCK));
      if (states.some((s) => s === 'unknown')) return;
      const nonblocking = states.every((s) => s === 'on');
      const first = origins[0]!;
      report({
        at: placeOf(func, bare(fd)),
        severity: nonblocking ? 'information' : 'warning',
        message: nonblocking
          ? `A ${first.kind} does not do asynchronous transfers: this one fails with -EAGAIN when there is no data. io_prep_poll() tells when there is.`
          : `A ${first.kind} does not do asynchronous transfers: io_submit() sleeps until the data is there. Use io_prep_poll(), then read or write.`,
        related: first.place && !first.via.length ? [{ at: first.place, message: `the ${first.kind} is made here` }] : [],
      });
    });
  },
};
