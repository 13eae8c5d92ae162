/** Object-like macros are text to the parser; this reads the constant expressions among them. */
import type { Expr } from '../model';
import { integer } from './syntax';

const LEVELS = [['|'], ['^'], ['&'], ['<<', '>>'], ['+', '-'], ['*', '/', '%']];
const NOWHERE = { start: 0, end: 0 };

/** The expression of a macro's replacement text, or undefined where it is anything but integers, names and operators. */
export function constantExpression(text: string): Expr | undefined {
  const tokens = text.replace(/\/\*.*?\*\/|\/\/.*$/gs, ' ').match(/[A-Za-z_]\w*|\d[\w']*|<<|>>|\S/g) ?? [];
  let at = 0;
  const binary = (level: number): Expr | undefined => {
    const operators = LEVELS[level];
    if (!operators) return unary();
    let left = binary(level + 1);
    while (left && operators.includes(tokens[at] ?? '')) {
      const op = tokens[at++]!;
      const right = binary(level + 1);
      if (!right) return undefined;
      left = { kind: 'binary', op, left, right, span: NOWHERE };
    }
    return left;
  };
  const unary = (): Expr | undefined => {
    const token = tokens[at++];
    if (token === undefined) return undefined;
    if (token === '-' || token === '~' || token === '+' || token === '!') {
      const operand = unary();
      return operand && { kind: 'unary', op: token, operand, span: NOWHERE };
    }
    if (token === '(') {
      // a cast in front of a constant changes nothing here: `((size_t)4096)`
      const cast = /^(?:unsigned|signed|int|long|short|char|size_t|ssize_t|off_t|u?int\d+_t|__u\d+)$/;
      if (cast.test(tokens[at] ?? '')) {
        while (cast.test(tokens[at] ?? '')) at++;
        if (tokens[at++] !== ')') return undefined;
        return unary();
      }
      const inner = binary(0);
      return inner && tokens[at++] === ')' ? inner : undefined;
    }
    if (/^\d/.test(token)) {
      const value = integer(token);
      return value === undefined ? undefined : { kind: 'int', value, span: NOWHERE };
    }
    return /^[A-Za-z_]/.test(token) ? { kind: 'name', name: token, id: token, span: NOWHERE } : undefined;
  };
  const result = binary(0);
  return result && at === tokens.length ? result : undefined;
}
