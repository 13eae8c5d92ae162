/** Grammars and parsing. A grammar is loaded by the first file that needs it. */
import { Language as Grammar, Parser, type Edit, type Tree } from 'web-tree-sitter';
import type { Language } from '../protocol/analysis';

/** Gives the bytes of `web-tree-sitter.wasm`, `tree-sitter-c.wasm`, … */
export type WasmLoader = (name: string) => Promise<Uint8Array>;
export type { Edit, Tree };

let runtime: Promise<void> | undefined;

export class Grammars {
  private readonly parsers = new Map<Language, Promise<Parser>>();
  private readonly ready = new Map<Language, Parser>();

  constructor(private readonly load: WasmLoader) {}

  /** Languages whose grammar is in memory. */
  get loaded(): Language[] { return [...this.ready.keys()]; }

  /** Rejects when the grammar's bytes cannot be read; the next call tries again. */
  async open(language: Language): Promise<void> {
    let parser = this.parsers.get(language);
    if (!parser) {
      parser = this.create(language);
      this.parsers.set(language, parser);
      parser.catch(() => this.parsers.delete(language));
    }
    this.ready.set(language, await parser);
  }

  /**
   * Parses `text`; `old` is the edited tree of the text before (it stays the caller's to delete). The caller deletes
   * the result. Throws when the grammar was not opened, or the parser itself fails.
   */
  parse(language: Language, text: string, old?: Tree): Tree {
    const parser = this.ready.get(language);
    if (!parser) throw new Error(`the grammar of ${language} is not open`);
    const tree = parser.parse(text, old ?? null);
    if (!tree) throw new Error(`the ${language} parser gave no tree`);
    return tree;
  }

  /** Forgets the parser of a language, as after a crash; the next `open` makes a new one. */
  reset(language: Language): void {
    this.parsers.delete(language);
    this.ready.delete(language);
  }

  private async create(language: Language): Promise<Parser> {
    runtime ??= this.load('web-tree-sitter.wasm').then((wasmBinary) => Parser.init({ wasmBinary }));
    try {
      await runtime;
    } catch (error) {
      runtime = undefined;
      throw error;
    }
    const grammar = await Grammar.load(await this.load(`tree-sitter-${language}.wasm`));
    return new Parser().setLanguage(grammar);
  }
}
