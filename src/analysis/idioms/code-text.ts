/** The text of a file with comments and strings blanked, every character where it was. */
import type { Language } from '../../protocol/analysis';

export function codeOf(text: string, language: Language): string {
  const strings = language === 'rust' ? /\/\/[^\n]*|\/\*[^]*?\*\/|"(?:\\[^]|[^"\\])*"/g : /\/\/[^\n]*|\/\*[^]*?\*\/|"(?:\\[^]|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'/g;
  return text.replace(strings, (m) => m.replace(/[^\n]/g, ' '));
}
