/** Messages of our own over the language server protocol, and the settings the client hands to the server. */
import type { AnalysisOptions } from './analysis';

/** Sent as `initializationOptions` and again in `workspace/didChangeConfiguration`. */
export interface ServerSettings extends AnalysisOptions {
  enable: boolean;
  hover: boolean;
  /** file: URI of the folder with the rule pages (docs/rules); the linked `code` of a finding points into it */
  rulePages: string;
}

/** Server → client: time and size of the last analysis, for the language status item. */
export const ANALYSED_NOTIFICATION = 'ringlight/analysed';
export interface AnalysedParams { uri: string; version: number; milliseconds: number; findings: number; parsed: boolean; /** grammars loaded so far */ grammars: string[] }
