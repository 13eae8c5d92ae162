/** Where: this machine, a host of the ssh configuration, or another; the last answer first. */
import * as vscode from 'vscode';
import { listSshHosts } from '../../launch';
import { traceSettings } from '../config';

const LAST_HOST = 'ringlight.lastHost';

/** '' is this machine; undefined: the user went away. */
export async function chooseHost(context: vscode.ExtensionContext, title: string): Promise<string | undefined> {
  const hosts = await listSshHosts(traceSettings().sshConfig).catch(() => []);
  const last = context.globalState.get<string>(LAST_HOST, '');
  const items: (vscode.QuickPickItem & { value?: string })[] = ['', ...hosts].map((host) => ({
    label: host === '' ? vscode.l10n.t('$(device-desktop) This machine') : `$(remote) ${host}`, value: host,
    ...(host === last && hosts.length > 0 ? { description: vscode.l10n.t('last used') } : {}),
  }));
  items.sort((a, b) => Number(b.value === last) - Number(a.value === last));
  items.push({ label: vscode.l10n.t('$(add) Another host…') });
  const chosen = await vscode.window.showQuickPick(items, { title });
  if (!chosen) return undefined;
  const host = chosen.value ?? (await vscode.window.showInputBox({
    title: vscode.l10n.t('Host'), placeHolder: 'user@host', prompt: vscode.l10n.t('As you would give it to ssh'),
  }))?.trim();
  if (host === undefined || (chosen.value === undefined && host === '')) return undefined;
  await context.globalState.update(LAST_HOST, host);
  return host;
}
