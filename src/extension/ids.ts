/** Every identifier the manifest and the code share. A test compares this file with package.json. */

export const Commands = {
  Trace: 'ringlight.trace',
  StopTrace: 'ringlight.stopTrace',
  SaveRecording: 'ringlight.saveRecording',
  OpenRecent: 'ringlight.openRecentRecording',
  InsertSnippet: 'ringlight.insertSnippet',
  Doctor: 'ringlight.doctor',
  ShowLog: 'ringlight.showLog',
  RestartServer: 'ringlight.restartServer',
  OpenRulePage: 'ringlight.openRulePage',
  ScanWorkspace: 'ringlight.scanWorkspace',
  RefreshInventory: 'ringlight.inventory.refresh',
  CollapseInventory: 'ringlight.inventory.collapse',
  FilterInventory: 'ringlight.inventory.filter',
  CopyInventory: 'ringlight.inventory.copy',
} as const;

export const Settings = {
  Enable: 'ringlight.enable',
  Hover: 'ringlight.hover.enable',
  TargetKernel: 'ringlight.targetKernel',
  TargetLiburing: 'ringlight.targetLiburing',
  ScanOnOpen: 'ringlight.scanOnOpen',
  Severities: 'ringlight.rules.severities',
  TraceApis: 'ringlight.trace.apis',
  TraceMode: 'ringlight.trace.mode',
  TraceStacks: 'ringlight.trace.stacks',
  TracePendingThreshold: 'ringlight.trace.pendingThreshold',
  TracePrivilege: 'ringlight.trace.privilege',
  TraceMaxDuration: 'ringlight.trace.maxDuration',
  SshConfigFile: 'ringlight.trace.sshConfigFile',
} as const;

export const ContextKeys = { Tracing: 'ringlight.tracing', Inventory: 'ringlight.inventoryState' } as const;
export const Views = { Timeline: 'ringlight.timeline', LiveTimeline: 'ringlight.liveTimeline', Container: 'ringlight', Inventory: 'ringlight.inventory' } as const;
export const TASK_TYPE = 'ringlight';
export const RECORDING_SUFFIX = '.ringtrace';
export const LANGUAGES = ['c', 'cpp', 'rust'] as const;
