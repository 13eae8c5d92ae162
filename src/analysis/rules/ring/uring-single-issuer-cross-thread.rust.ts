/** Rust: a ring for one thread, submitted to on another. */
import { declarationOf, holderOf, plain, rustCalls } from '../../idioms/rust-code';
import { ringKey, setUpsOf, submitsOf } from '../../idioms/rust-uring';
import { walkFunction, type Call, type Expr, type Func } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Draft } from '../rule';

const THREAD = /^std::thread::(?:spawn|Builder::spawn)$|(?:^|::)Scope::spawn$|^rayon::spawn$|(?:^|::)spawn_blocking$/;

export function singleIssuerInRust(file: SourceFile, report: (draft: Draft) => void): void {
  for (const func of file.program.functions()) {
    const outer = func.parent;
    const holder = outer && holderOf(file, func);
    const spawns = holder && (THREAD.test(holder.path) || (holder.call.name === 'spawn' && /\bthread::scope\b/.test(file.text) && !func.async));
    if (!outer || func.damaged || !spawns) continue;
    for (const submit of [...submitsOf(file, func).map((c) => ({ call: c.call, ring: c.call.callee.kind === 'member' ? c.call.callee.object : undefined })), ...submittedIn(file, func)]) {
      const key = submit.ring && ringKey(file, func, submit.ring);
      const setUp = key === undefined ? undefined : madeOutside(file, outer, key);
      const option = setUp?.options.get('setup_single_issuer');
      if (!setUp || !option) continue;
      if (setUp.options.has('setup_r_disabled') && rustCalls(file, func).some((c) => c.call.name === 'register_enable_rings')) continue;
      report({
        at: placeOf(func, submit.call),
        message: 'The ring was made for one issuer by another thread: submitting to it here fails with EEXIST. Make the ring in the thread that uses it.',
        related: [{ at: placeOf(setUp.func, { span: option.nameSpan }), message: 'one issuer is promised here' }, { at: placeOf(outer, { span: holder.call.nameSpan }), message: 'the other thread' }],
      });
      break;
    }
  }
}
/** Calls of functions of the file that submit to a ring they are given: `run(&mut ring)`. */
function submittedIn(file: SourceFile, func: Func): { call: Call; ring: Expr }[] {
  return [...walkFunction(func)].flatMap((e) => {
    const callee = e.kind === 'call' && e.callee.kind === 'name' && !e.macro ? file.program.functionNamed(e.name) : undefined;
    if (e.kind !== 'call' || !callee || callee === func || callee.damaged || callee.params.length !== e.args.length || rustCalls(file, callee).some((c) => c.call.name === 'register_enable_rings')) return [];
    const rings = new Set(submitsOf(file, callee).map((c) => (c.call.callee.kind === 'member' ? ringKey(file, callee, c.call.callee.object) : undefined)));
    return e.args.flatMap((ring, i) => (rings.has(callee.params[i]!.id) ? [{ call: e, ring }] : []));
  });
}
/** The set-up of the variable, through clones of a shared pointer to it. */
function madeOutside(file: SourceFile, outer: Func, key: string, depth = 0): ReturnType<typeof setUpsOf>[number] | undefined {
  const own = setUpsOf(file, outer).find((s) => s.key === key);
  if (own || depth > 4) return own;
  const init = declarationOf(outer, key)?.statement.init;
  let at = init && plain(init);
  while (at?.kind === 'call') {
    if (at.callee.kind === 'member' && at.name === 'clone') at = plain(at.callee.object);
    else if (at.callee.kind === 'name' && /(?:Arc|Rc|Mutex|RwLock|Box)::(?:new|clone)$/.test(at.callee.name) && at.args[0]) at = plain(at.args[0]);
    else break;
    const found = at.kind === 'call' ? setUpsOf(file, outer).find((s) => s.at === at || plain(s.at) === at) : undefined;
    if (found) return found;
  }
  return at?.kind === 'name' && at.id !== key ? madeOutside(file, outer, at.id, depth + 1) : undefined;
}
