import * as assert from 'node:assert/strict';
import { privacyReport, type PrivacyFacts } from '../../../client/src/ui/privacyReport';
import { commandsOf, reportHtml, reportMarkdown, type Report } from '../../../client/src/ui/report';
import { webPage } from '../../../client/src/ui/webPage';

/** As VS Code fills in what is between braces. */
const l10n = {
  t: (text: unknown, ...values: unknown[]): string =>
    String(text).replaceAll(/\{(\d+)\}/g, (_, index: string) => String(values[Number(index)])),
};

const facts: PrivacyFacts = {
  date: new Date('2026-01-02T03:04:05.678Z'),
  extensionVersion: '1.2.3',
  vscodeVersion: '1.106.0',
  remote: '',
  trusted: true,
  virtual: false,
  folders: ['app', 'lib'],
  settings: [
    { key: 'context.enabled', value: true, fallback: true },
    { key: 'model.path', value: '/m/a|b.gguf', fallback: '' },
  ],
  storage: [
    { kind: 'savedContext', folder: '/s/pages', bytes: 0, files: 0 },
    { kind: 'calibration', folder: '/s/kv', bytes: 2048, files: 2 },
    { kind: 'other', folder: '/s', bytes: 10, files: 1 },
  ],
  storageFolder: '/s',
  logFolder: '/logs',
  binaries: {
    files: [
      { path: 'dist/server.js', bytes: 5, sha256: 'ab12' },
      { path: '/m/gone.gguf', bytes: 0, sha256: '' },
    ],
    runtime: { node: '22.0.0', platform: 'linux', arch: 'x64', release: '6.1' },
  },
};
const network = { title: 'Network', lines: [{ text: 'none', tone: 'good' as const }] };
const make = (changes: Partial<PrivacyFacts> = {}): Report =>
  privacyReport({ ...facts, ...changes }, network, l10n);
const text = (changes: Partial<PrivacyFacts> = {}): string => reportMarkdown(make(changes));

describe('client: the privacy report', () => {
  it('says when it was made, what runs, bit by bit, and what is kept where', () => {
    const page = text();
    for (const part of [
      'As found on 2026-01-02T03:04:05Z.',
      'Niwaki 1.2.3 in VS Code 1.106.0',
      'Node 22.0.0 on linux x64 (6.1)',
      '| dist/server.js | 5 bytes | ab12 |',
      '| /m/gone.gguf | 0 bytes | cannot be read |',
      '| /s/kv | 2.0 KiB in 2 files |',
      '| /s/pages | nothing |',
      '| /logs |',
      'Workspace folders: app, lib',
    ]) {
      assert.ok(page.includes(part), `${part}\n\n${page}`);
    }
    assert.ok(page.indexOf('## Network') < page.indexOf('## What may be read'), 'what people look for first');
  });

  it('says what is read as the settings and the trust are', () => {
    assert.match(text(), /From disk, within the workspace folder/);
    assert.match(text({ trusted: false }), /From disk no text: this workspace is not trusted/);
    const settings = [{ key: 'context.enabled', value: false, fallback: true }];
    assert.match(text({ settings }), /No other file is used: niwaki/);
    assert.doesNotMatch(text({ settings }), /open in this window|From disk/);
    assert.match(
      text({ virtual: true }),
      /open in this window[^]*From disk no text: the workspace is a virtual one/,
    );
    assert.match(text({ folders: [] }), /Workspace folders: none/);
    assert.match(text({ storage: [] }), /the server was told of no folder/);
    assert.match(text({ storage: null }), /is not known, as the server could not be asked\. Its folder: \/s/);
    const page = text({ binaries: null });
    assert.match(page, /Niwaki 1\.2\.3 in VS Code[^]*Which files run is not known/);
  });

  it('has a button to delete only what is there and can be made again', () => {
    const html = reportHtml(make());
    const deletes = [...html.matchAll(/aria-label="(Delete[^"]*)"/g)].map((match) => match[1]);
    assert.deepEqual(deletes, ['Delete calibrations']);
    assert.ok(html.includes('href="command:niwaki.purgeFromReport?%5B%22calibration%22%5D"'));
    assert.deepEqual(
      [...commandsOf(make())].sort(),
      [
        'niwaki.exportPrivacyReport',
        'niwaki.purgeFromReport',
        'niwaki.showPrivacyReport',
        'workbench.action.openSettings',
      ],
      'a page may run these and no others',
    );
  });

  it('takes no text for markup', () => {
    const evil = '<img src=x onerror=alert(1)>"\'|`*[a](command:b)\n# x';
    const changes = { folders: [evil], settings: [{ key: 'model.path', value: evil, fallback: '' }] };
    const html = reportHtml(make(changes));
    assert.ok(!html.includes('<img') && !html.includes('"\'|'), html);
    for (const end of ['\r', '\u2028', '\u0085', '\v', '\f']) {
      const forged = text({ folders: [`a${end}- Network sockets: none`] });
      assert.ok(forged.includes('Workspace folders: a - Network sockets: none'), JSON.stringify(end));
    }
    assert.ok(text({ folders: ['a &lt; b'] }).includes('a \\&lt; b'));
    assert.doesNotMatch(text({ folders: ['https://a.b www.a.b'] }), /https:\/\/|www\.a/);
    const lines = text(changes).split('\n');
    assert.ok(!lines.some((line) => line.startsWith('# x')));
    const settingRow = lines.find((line) => line.includes('model.path')) ?? '';
    assert.equal(settingRow.replaceAll(/\\\|/g, '').split('|').length, 5, settingRow);
    assert.ok(!/(?<!\\)\[a/.test(settingRow), settingRow);
  });

  it('is a page without scripts, in the language of its text, with its headings and cells named', () => {
    const page = webPage('A <title>', reportHtml(make()), 'de', 'n0nce');
    assert.match(page, /<html lang="de">/);
    assert.match(page, /default-src 'none'; style-src 'nonce-n0nce';/);
    assert.ok(!page.includes('<script') && !page.includes('<title>A <title>'));
    assert.equal(page.match(/<h1>/g)?.length, 1);
    assert.ok(page.includes('<th scope="col">') && page.includes('<th scope="row">'));
    for (const [link] of page.matchAll(/<a [^>]*>/g)) {
      assert.match(link, /role="button"/);
      assert.match(link, /aria-label="[^"]+"/);
    }
  });
});
