import { load, pointees, rootOf, type Memory } from '../../flow/memory';
import type { Flow } from '../../flow/program';
import { constant } from '../../flow/value';
import { aioCall } from '../../idioms/aio-call';
import { bare, statements, type Expr, type Func, type Local } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, type DraftFix, type Rule, type View } from '../rule';

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
      const part = memberLeftToChance(file, func, flow, handle, memory);
      if (part) report({ at: placeOf(func, bare(handle)), message: `${part} was never set to zero before io_setup(): the kernel refuses any other value with EINVAL, and what the memory holds is chance.` });
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

/** A member of what malloc() gave and nobody cleared, or of an object whose class gives it no value anywhere. */
function memberLeftToChance(file: View, func: Func, flow: Flow, handle: Expr, memory: Memory): string | undefined {
  const inner = bare(handle);
  const target = inner.kind === 'unary' && inner.op === '&' ? bare(inner.operand) : undefined;
  if (target?.kind === 'member' && target.deref && file.language === 'c') {
    const atoms = [...flow.value(target.object, memory).atoms.values()];
    const [from] = atoms;
    const held = load(memory, pointees(flow.value(handle, memory))[0] ?? '');
    const fresh = atoms.length === 1 && from?.kind === 'call' && !from.via.length && /^(?:malloc|aligned_alloc|memalign)$/.test(from.call.name) && !file.program.defines(from.call.name);
    return fresh && !held.unknown && held.atoms.size === 0 ? `${target.field} of this new object` : undefined;
  }
  if (file.language !== 'cpp' || target?.kind !== 'name' || target.id.includes('~')) return undefined;
  const { name } = target;
  const owner = func.owner.replace(/^.*::/, '');
  const field = file.program.ownersOf(name).length === 1 ? file.program.fieldsOf(owner).find((f) => f.name === name) : undefined;
  // objects of static storage begin as zeros
  const given = new RegExp(`\\b${name}\\s*(?:=(?!=)|\\{|\\()|mem(?:set|cpy)\\s*\\([^;]*(?:this|${name})|\\b(?:static|thread_local|extern)\\s+${owner}\\b|^${owner}\\s+\\w+`, 'm');
  return field && !field.pointer && !field.array && /^(?:io_context_t|aio_context_t)$/.test(field.type) && func.name === owner && !file.says(given) ? `${name} has no initialiser and` : undefined;
}

function zeroFix(func: Func, local: Local): DraftFix[] {
  const s = [...statements(func.body)].find((x) => x.kind === 'declare' && x.local.id === local.id);
  return s?.kind === 'declare' && s.alone && !s.init && !local.array
    ? [{ title: `Set ${local.name} to 0`, edits: [insertion(func, local.span.end, ' = 0')], safe: true }] : [];
}
