/** Completion inside comments: the words that silence findings, and the rules' ids. */
import { CompletionItemKind, CompletionTriggerKind, type CompletionItem, type CompletionParams } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { commentBefore } from '../../analysis/comments';
import { RULES } from '../../analysis/rules';
import type { Finding, Language } from '../../protocol/analysis';
import type { ServerSettings } from '../../protocol/lsp';

const WORDS: readonly (readonly [word: string, means: string])[] = [
  ['ringlight-disable-next-line', 'Silences rules on the next line'],
  ['ringlight-disable-line', 'Silences rules on this line'],
  ['ringlight-disable', 'Silences rules in this file'],
];
/** What is typed after one of the words: ids, separated by commas or blanks, up to the reason after `--`. */
const IDS = /\bringlight-disable(?:-next-line|-line)?[ \t]+((?:[\w*-]+[ \t]*,?[ \t]*)*)$/;

/** `findings`: those of the document, whose rules come first; rules of other languages are left out. */
export function completions(params: CompletionParams, document: TextDocument, language: Language, findings: Finding[], settings: ServerSettings): CompletionItem[] {
  const { position } = params;
  const line = document.getText({ start: { line: position.line, character: 0 }, end: position });
  const comment = commentBefore(line);
  if (comment === undefined) return [];
  const ids = IDS.exec(comment);
  if (ids) {
    if (/(?:^|\s)--(?:\s|$)/.test(ids[1]!)) return [];
    const given = new Set(ids[1]!.split(/[\s,]+/));
    const typed = /[\w*-]*$/.exec(line)![0].length;
    const found = new Set(findings.map((f) => f.rule));
    const range = { start: { line: position.line, character: position.character - typed }, end: position };
    return RULES.map(({ info }) => info).filter((info) => info.languages.includes(language)).filter((info) => !given.has(info.id) || ids[1]!.endsWith(info.id)).map((info): CompletionItem => ({
      label: info.id, kind: CompletionItemKind.EnumMember, documentation: info.summary, sortText: `${found.has(info.id) ? 0 : 1}${info.id}`, textEdit: { range, newText: info.id },
    }));
  }
  const word = /[\w-]*$/.exec(comment)![0];
  // a comment that is only begun is nobody's wish for this
  if (params.context?.triggerKind === CompletionTriggerKind.TriggerCharacter && !/^ring/.test(word)) return [];
  if (!'ringlight-disable-next-line'.startsWith(word) && !'ringlight-disable-line'.startsWith(word)) return [];
  const range = { start: { line: position.line, character: position.character - word.length }, end: position };
  // the ids come next
  const suggest = settings.editorCommands ? { command: { title: '', command: 'editor.action.triggerSuggest' } } : {};
  return WORDS.map(([label, detail], i): CompletionItem => ({ label, detail, kind: CompletionItemKind.Keyword, sortText: String(i), textEdit: { range, newText: `${label} ` }, ...suggest }));
}
