/** Settings, parsed and not cast: a value of the wrong shape falls back to the manifest's default. */
import * as vscode from 'vscode';
import * as v from 'valibot';
import { REQUEST_MODES, type TraceRequest } from '../protocol/launch';
import type { ServerSettings } from '../protocol/lsp';
import { API_NAMES } from '../protocol/wire';
import { Settings } from './ids';

const Severity = v.picklist(['error', 'warning', 'information', 'hint', 'off']);
const Api = v.picklist(API_NAMES);

function read<T>(id: string, schema: v.GenericSchema<unknown, T>): T | undefined {
  const section = vscode.workspace.getConfiguration();
  const parsed = v.safeParse(schema, section.get(id));
  if (parsed.success) return parsed.output;
  const fallback = v.safeParse(schema, section.inspect(id)?.defaultValue);
  return fallback.success ? fallback.output : undefined;
}

/** What the language server is told. */
export function serverSettings(extension: vscode.Uri): ServerSettings {
  const version = v.pipe(v.string(), v.regex(/^(\d+\.\d+)?$/));
  const targetKernel = read(Settings.TargetKernel, version);
  const targetLiburing = read(Settings.TargetLiburing, version);
  return {
    enable: read(Settings.Enable, v.boolean()) ?? true,
    hover: read(Settings.Hover, v.boolean()) ?? true,
    severities: read(Settings.Severities, v.record(v.string(), Severity)) ?? {},
    ...(targetKernel ? { targetKernel } : {}),
    ...(targetLiburing ? { targetLiburing } : {}),
    scanOnOpen: read(Settings.ScanOnOpen, v.boolean()) ?? false,
    exclude: Object.entries(read('files.exclude', v.record(v.string(), v.unknown())) ?? {}).filter(([, on]) => on === true).map(([glob]) => glob),
    editorCommands: true,
    rulePages: vscode.Uri.joinPath(extension, 'docs', 'rules').toString(),
  };
}

/** The part of a trace request that comes from settings. */
export function traceSettings(): Pick<TraceRequest, 'apis' | 'mode' | 'stacks' | 'pendingMs' | 'privilege' | 'durationSeconds'> & { sshConfig?: string } {
  const seconds = read(Settings.TraceMaxDuration, v.pipe(v.number(), v.minValue(0))) ?? 0;
  const sshConfig = read(Settings.SshConfigFile, v.string());
  const apis = read(Settings.TraceApis, v.array(Api));
  const mode = read(Settings.TraceMode, v.picklist(REQUEST_MODES));
  const stacks = read(Settings.TraceStacks, v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1 << 20)));
  const pendingMs = read(Settings.TracePendingThreshold, v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000_000)));
  const privilege = read(Settings.TracePrivilege, v.picklist(['auto', 'none', 'sudo']));
  return {
    ...(apis?.length ? { apis } : {}),
    ...(mode && mode !== 'auto' ? { mode } : {}),
    ...(stacks ? { stacks } : {}),
    ...(pendingMs !== undefined ? { pendingMs } : {}),
    ...(privilege ? { privilege } : {}),
    ...(seconds > 0 ? { durationSeconds: seconds } : {}),
    ...(sshConfig ? { sshConfig } : {}),
  };
}
