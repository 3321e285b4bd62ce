/** What package.json promises VS Code and other extensions. */
import * as assert from 'node:assert/strict';
import { read } from './files';

interface Setting {
  readonly scope?: string;
}

interface Keybinding {
  readonly key?: string;
  readonly mac?: string;
  readonly linux?: string;
  readonly win?: string;
  readonly command: string;
  readonly when?: string;
}

const manifest = JSON.parse(read('package.json')) as {
  extensionKind: string[];
  capabilities: { untrustedWorkspaces: { supported: unknown; restrictedConfigurations: string[] } };
  contributes: {
    configuration: { properties: Record<string, Setting> };
    keybindings?: Keybinding[];
  };
};

/** Keys that people have in their fingers: VS Code's own in an editor, and what other assistants add. */
const taken = new Set(
  [
    'tab shift+tab escape enter shift+enter backspace delete space ctrl+enter alt+enter f1 f2 f12',
    'up down left right home end pageup pagedown alt+[ alt+] alt+\\ alt+up alt+down',
    'ctrl+space ctrl+i ctrl+l ctrl+right ctrl+left ctrl+z ctrl+y ctrl+x ctrl+c ctrl+v ctrl+a ctrl+s ctrl+f ctrl+h',
    'ctrl+p ctrl+n ctrl+o ctrl+w ctrl+t ctrl+g ctrl+d ctrl+k ctrl+u ctrl+b ctrl+j ctrl+e ctrl+r ctrl+. ctrl+/ ctrl+,',
    'ctrl+shift+p ctrl+shift+i ctrl+alt+i ctrl+shift+space ctrl+shift+f ctrl+shift+o ctrl+shift+k ctrl+shift+z',
  ].flatMap((keys) => keys.split(' ')),
);

function keysOf({ key, mac, linux, win }: Keybinding): string[] {
  return [key, mac, linux, win]
    .filter((keys) => keys !== undefined)
    .map((keys) => keys.toLowerCase().replaceAll('cmd', 'ctrl').replaceAll('meta', 'ctrl'));
}

/** What is wrong with a contributed keybinding; '' = nothing. */
function fault(binding: Keybinding): string {
  if ((binding.when ?? '').trim() === '') {
    return `${binding.command} claims its key everywhere: it needs a "when"`;
  }
  const claimed = keysOf(binding).filter((keys) => taken.has(keys.split(' ')[0] ?? ''));
  return claimed.length === 0 ? '' : `${binding.command} claims ${claimed.join(', ')}, which people use`;
}

describe('tidy: the manifest', () => {
  it('contributes no key that people already use', () => {
    const faults = (manifest.contributes.keybindings ?? []).map(fault).filter((text) => text !== '');
    assert.deepEqual(faults, []);
  });

  it('would notice such a key', () => {
    const command = 'niwaki.restart';
    assert.match(fault({ command, key: 'alt+shift+9' }), /everywhere/);
    assert.match(fault({ command, key: 'Tab', when: 'editorTextFocus' }), /claims tab/);
    assert.match(fault({ command, key: 'alt+shift+9', mac: 'cmd+i', when: 'editorTextFocus' }), /ctrl\+i/);
    assert.equal(fault({ command, key: 'ctrl+alt+shift+9', when: 'editorTextFocus' }), '');
  });

  it('lets no workspace choose files to load or what they may cost', () => {
    // A model is parsed by native code; threads, memory and batteries are the machine's.
    const ofTheMachine = Object.entries(manifest.contributes.configuration.properties).filter(
      ([name, { scope }]) =>
        /^niwaki\.(model|engine|kv)\.|path|file|folder/i.test(name) || scope === 'machine',
    );
    assert.ok(ofTheMachine.length >= 3);
    const { supported, restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
    assert.equal(supported, 'limited');
    assert.deepEqual(
      ofTheMachine.filter(([, { scope }]) => scope !== 'machine').map(([name]) => name),
      [],
      'not of the scope "machine"',
    );
    assert.deepEqual(
      [...restrictedConfigurations].sort(),
      ofTheMachine.map(([name]) => name).sort(),
      'restricted in untrusted workspaces',
    );
  });

  it('declares the settings that the privacy report and the diagnostics list, and no others', () => {
    const [, list = ''] = /settingKeys = \[([^\]]*)\]/.exec(read('client/src/config.ts')) ?? [];
    assert.deepEqual(
      [...list.matchAll(/'([\w.]+)'/g)].map(([, key = '']) => `niwaki.${key}`).sort(),
      Object.keys(manifest.contributes.configuration.properties).sort(),
    );
  });

  it('runs where the files are', () => {
    assert.deepEqual(manifest.extensionKind, ['workspace']);
  });
});
