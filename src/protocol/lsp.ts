/** Messages of our own over the language server protocol, and the settings the client hands to the server. */
import type { AnalysisOptions, Surface, Usage } from './analysis';

/** Sent as `initializationOptions` and again in `workspace/didChangeConfiguration`, there also under `ringlight`. */
export interface ServerSettings extends AnalysisOptions {
  enable: boolean;
  hover: boolean;
  /** file: URI of the folder with the rule pages (docs/rules); the linked `code` of a finding points into it */
  rulePages: string;
  /** every file of the workspace is looked at as soon as findings of the workspace can be shown; else when it is asked for */
  scanOnOpen: boolean;
  /** globs of what is left out, beside what `.gitignore` leaves out */
  exclude: string[];
  /** the client is VS Code with the extension: what is offered may run its commands */
  editorCommands: boolean;
}

/** Server → client: time and size of the last analysis, for the language status item. */
export const ANALYSED_NOTIFICATION = 'ringlight/analysed';
export interface AnalysedParams { uri: string; version: number; milliseconds: number; findings: number; parsed: boolean; /** grammars loaded so far */ grammars: string[] }

/** Client → server: look at every file of the workspace; progress under the token, cancelled as any request. */
export const SCAN_REQUEST = 'ringlight/scan';
export interface ScanParams { workDoneToken?: string | number }
export interface ScanResult { files: number; using: number; findings: number; milliseconds: number }
/** The same for clients without that request, in `workspace/executeCommand`. */
export const SCAN_COMMAND = 'ringlight.server.scanWorkspace';

/** Client → server: what the workspace uses; the server tells when the answer would be another. */
export const INVENTORY_REQUEST = 'ringlight/inventory';
export const INVENTORY_CHANGED_NOTIFICATION = 'ringlight/inventoryChanged';
export interface Inventory { files: { uri: string; usages: Usage<Surface>[] }[] }

/** Server → client: folders and files that are not on the server's disk. A file's bytes come as base64. */
export const READ_DIRECTORY_REQUEST = 'ringlight/readDirectory';
export const READ_FILE_REQUEST = 'ringlight/readFile';
export interface ReadParams { uri: string }
export interface DirectoryEntry { name: string; folder: boolean }
