/** Macros of the project whose text tells what they do. */
import type { Program } from '../flow/program';
import type { Call } from '../model';

/** What a macro that checks a result calls: it reports, and ends the program or throws. */
const HARMLESS = /^(?:if|while|for|switch|return|sizeof|defined|v?[fsd]?n?printf|f?puts|fputc|fflush|perror|strerror\w*|syslog|exit|_exit|_Exit|quick_exit|abort|assert|errx?|warnx?|__builtin_\w+|likely|unlikely|runtime_error|system_error|generic_category|system_category|to_string|string|error_code|logic_error|__attribute__|static_cast|backtrace|raise|getpid|throw)$/;

/** A call of a macro that calls nothing but what reports and ends: it knows of no ring, and waits for nothing. */
export function saysAndEnds(program: Program, call: Call): boolean {
  const macro = call.callee.kind === 'name' ? program.macro(call.name) : undefined;
  if (macro === undefined) return false;
  return program.memo.derived(program, `macro ${call.name} says and ends`, () => {
    const [, body = ''] = /^\([^)]*\)([^]*)$/.exec(macro) ?? [];
    const code = body.replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
    return /\w\s*\(/.test(code) && [...code.matchAll(/(\w+)\s*\(/g)].every((m) => HARMLESS.test(m[1]!)) && !/\bgoto\b|\bco_|->\s*\w+\s*\(|##/.test(code);
  });
}
