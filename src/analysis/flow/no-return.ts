/** Calls and statements behind which nothing follows, told by their names. */
import { bare, type Call, type Expr } from '../model';

/** Calls the standard says do not return, and the names people give to theirs. */
export const NO_RETURN = /^(?:abort|exit|_exit|_Exit|quick_exit|err|errx|verr|verrx|longjmp|siglongjmp|__builtin_unreachable|__builtin_trap|terminate|rethrow_exception|pthread_exit|(?:\w+_)?(?:die|fatal|panic|bail|unreachable|todo|unimplemented)(?:_\w+)?|exit_(?:bug|err\w*|fail\w*|with_\w+)|(?:\w+_)?(?:err|error|perror|print|log|msg)_?(?:and_?)?exit|(?:\w+_)?croak|(?:rb|caml|lua)_(?:\w+_)?(?:raise\w*|fail|failwith|error)|luaL_\w*error)$/i;

/** Whether a call of that name, with these arguments, never comes back. */
export function neverReturns(call: Call): boolean {
  return NO_RETURN.test(call.name) && !isConditional(call);
}
/** `DIE(rc < 0, "io_setup")`, `panic_if(…)`: they come back where the condition does not hold. */
function isConditional(call: Call): boolean {
  if (/_(?:on|if|unless|when)(?:_\w+)?$/i.test(call.name)) return true;
  const first = call.args[0] && bare(call.args[0]);
  return (first?.kind === 'binary' && /^(?:[<>]=?|[!=]=|&&|\|\|)$/.test(first.op)) || (first?.kind === 'unary' && first.op === '!');
}
/** `LOG(FATAL) << …`, `LOG_SYSFATAL << …`: streams that end the program when all is said. */
export function endsInFatalLog(e: Expr): boolean {
  let first = bare(e);
  while (first.kind === 'binary' && first.op === '<<') first = bare(first.left);
  if (first.kind === 'name') return first !== e && /(?:^|_)(?:SYS|P)?FATAL$/.test(first.name);
  const level = first.kind === 'call' && /LOG$/.test(first.name) ? first.args[0] : undefined;
  return level !== undefined && level.kind === 'name' && /^(?:LOG(?:GER)?_)?(?:SYS)?FATAL$/.test(level.name);
}
