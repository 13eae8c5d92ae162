import { load, pointees, rootOf } from '../../flow/memory';
import { constant } from '../../flow/value';
import { aioCall } from '../../idioms/aio-call';
import { bare, statements, type Func, type Local } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, type DraftFix, type Rule } from '../rule';

export const aioCtxNotZeroed: Rule = {
  info: {
    id: 'aio-ctx-not-zeroed', languages: ['c', 'cpp'], severity: 'error', confidence: 'certain',
    summary: 'io_setup gets a context that was never set to zero, and fails with EINVAL for whatever was there.',
  },
  why: 'io_setup() refuses a handle that is not zero with EINVAL. A local without an initialiser is zero only by chance.',
  families: ['libaio', 'raw-aio'],
  tokens: /io_setup/,
  check(file, func, report) {
    const flow = func.damaged ? undefined : file.program.flow(func);
    flow?.replay((event, memory) => {
      const setup = event.kind === 'call' ? aioCall(file, event.call) : undefined;
      const handle = setup?.name === 'io_setup' ? setup.args[1] : undefined;
      if (!setup || !handle) return;
      const keys = pointees(flow.value(handle, memory));
      const key = keys.length === 1 ? keys[0]! : undefined;
      const local = key === undefined ? undefined : func.locals.get(rootOf(key));
      // what a pointer leads to came from elsewhere
      if (key === undefined || !local || local.static || key.includes('*') || func.params.includes(local)) return;
      const held = load(memory, key);
      if (held.unknown || held.atoms.size > 0 || constant(held) === 0n) return;
      if (file.language === 'cpp' && key !== local.id) return;
      report({
        at: placeOf(func, bare(handle)),
        message: `${key === local.id ? local.name : 'This context'} is not set to zero before io_setup(): the kernel refuses any other value with EINVAL, and what is on the stack is chance.`,
        related: [{ at: placeOf(func, local), message: 'declared here, without a value' }],
        fixes: key === local.id ? zeroFix(func, local) : [],
      });
    });
  },
};

function zeroFix(func: Func, local: Local): DraftFix[] {
  const s = [...statements(func.body)].find((x) => x.kind === 'declare' && x.local.id === local.id);
  return s?.kind === 'declare' && s.alone && !s.init && !local.array
    ? [{ title: `Set ${local.name} to 0`, edits: [insertion(func, local.span.end, ' = 0')], safe: true }] : [];
}
