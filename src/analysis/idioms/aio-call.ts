/** Calls of Linux AIO as one thing: libaio's functions, the raw system calls, and a file's own wrappers of those by the same names. */
import { walkFunction, type Call, type Expr, type Func } from '../model';
import type { View } from '../rules/rule';
import { isRawAsyncCall } from './return-convention';

const AIO = /^io_(?:setup|destroy|submit|p?getevents|cancel|queue_(?:init|release|run))$/;

/** `args` are those of the libaio function `name`; `raw`: -1 and errno, and the kernel's types. */
export interface AioCall { call: Call; name: string; args: Expr[]; raw: boolean }

/** The AIO call that a call is; undefined for others, and for functions of the project that only share the name. */
export function aioCall(file: View, call: Call): AioCall | undefined {
  if (call.callee.kind !== 'name') return undefined;
  if (isRawAsyncCall(call)) {
    const number = call.args[0]!;
    return { call, name: number.kind === 'name' ? number.name.replace(/^(?:SYS|__NR)_/, '') : '', args: call.args.slice(1), raw: true };
  }
  if (!AIO.test(call.name)) return undefined;
  const wrapper = file.program.callee(call);
  if (wrapper ? wrapsSystemCall(file, wrapper) && wrapper.params.length === call.args.length : !file.program.defines(call.name)) {
    return { call, name: call.name, args: call.args, raw: wrapper !== undefined || file.includes('linux/aio_abi.h') };
  }
  return undefined;
}
function wrapsSystemCall(file: View, func: Func): boolean {
  return file.program.memo.derived(func, 'wraps an AIO system call', () =>
    file.program.mentions(func, /syscall/) && [...walkFunction(func)].some((e) => e.kind === 'call' && isRawAsyncCall(e)));
}

/** The AIO calls of a function's own body. */
export function aioCalls(file: View, func: Func): AioCall[] {
  if (!file.program.mentions(func, /io_(?:setup|destroy|submit|p?getevents|cancel|queue_)/)) return [];
  const out: AioCall[] = [];
  for (const e of walkFunction(func)) {
    const found = e.kind === 'call' ? aioCall(file, e) : undefined;
    if (found) out.push(found);
  }
  return out;
}
