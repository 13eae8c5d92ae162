/** The manifest, the ids in code and the language table say the same. */
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json';
import strings from '../../package.nls.json';
import { Commands, LANGUAGES, Settings, TASK_TYPE, Views, RECORDING_SUFFIX } from '../../src/extension/ids';

const { contributes } = manifest;

describe('manifest', () => {
  it('lists exactly the commands of ids.ts, each with a category', () => {
    expect(contributes.commands.map((c) => c.command).sort()).toEqual(Object.values(Commands).sort());
    expect(contributes.commands.every((c) => c.category === 'Ringlight')).toBe(true);
  });

  it('lists exactly the settings of ids.ts, each described, scoped and with a default', () => {
    const properties = contributes.configuration.flatMap((group) => Object.entries(group.properties));
    expect(properties.map(([id]) => id).sort()).toEqual(Object.values(Settings).sort());
    for (const [id, property] of properties) {
      expect(property, id).toMatchObject({ scope: expect.any(String), markdownDescription: expect.any(String) });
      expect(property, id).toHaveProperty('default');
    }
  });

  it('never lets a workspace decide where, as whom or with what is traced', () => {
    const scopes = Object.fromEntries(contributes.configuration.flatMap((g) => Object.entries(g.properties).map(([id, p]) => [id, p.scope])));
    expect(scopes[Settings.SshConfigFile]).toBe('machine');
    expect(scopes[Settings.TracePrivilege]).toBe('machine');
    const traced = Object.keys(scopes).filter((id) => id.startsWith('ringlight.trace.'));
    expect(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations.sort()).toEqual(traced.sort());
  });

  it('starts for its languages only', () => {
    expect(manifest.activationEvents).toEqual(LANGUAGES.map((language) => `onLanguage:${language}`));
    expect(contributes.snippets.map((s) => s.language)).toEqual([...LANGUAGES]);
  });

  it('opens recordings and knows its task', () => {
    expect(contributes.customEditors).toMatchObject([{ viewType: Views.Timeline, selector: [{ filenamePattern: `*${RECORDING_SUFFIX}` }] }]);
    expect(contributes.taskDefinitions.map((t) => t.type)).toEqual([TASK_TYPE]);
  });

  it('has a text for every %key% and no text without use', () => {
    const used = [...JSON.stringify(manifest).matchAll(/"%([^%"]+)%"/g)].map((m) => m[1]);
    expect([...new Set(used)].sort()).toEqual(Object.keys(strings).sort());
  });

  it('is typed against the engine it asks for', () => {
    expect(manifest.devDependencies['@types/vscode']).toBe(manifest.engines.vscode.replace('^', ''));
  });
});
