import type { NetworkState } from '#protocol';
import * as assert from 'node:assert/strict';
import { networkSection, unknownNetworkSection } from '../../../client/src/ui/networkSection';

const l10n = {
  t: (text: unknown, ...values: unknown[]): string =>
    String(text).replaceAll(/\{(\d+)\}/g, (_, index: string) => String(values[Number(index)])),
};

const allowed = { allowed: true, refusedBy: '' } as const;
const quiet: NetworkState = {
  filter: { state: 'installed', reason: '', since: Date.UTC(2026, 0, 2, 3, 4, 5) },
  airGapped: { on: false, by: '' },
  policy: {
    path: '/etc/niwaki/policy.json',
    state: 'absent',
    problem: '',
    values: { airGapped: false, downloads: true, endpoint: true },
  },
  features: { downloads: allowed, endpoint: allowed },
  sockets: [{ family: 'unix', listening: false, address: '', peer: '' }],
};

const lines = (changes: Partial<NetworkState>): string[] =>
  networkSection({ ...quiet, ...changes }, l10n).lines.map(({ text, tone }) => `${tone ?? '-'}: ${text}`);
const matches = (changes: Partial<NetworkState>, pattern: RegExp): void => {
  const all = lines(changes);
  assert.ok(
    all.some((line) => pattern.test(line)),
    `${String(pattern)} in ${all.join('\n')}`,
  );
};

describe('client: the network in the privacy report', () => {
  it('says what the system refuses, and since when', () => {
    matches({}, /^good: The system refuses network sockets .* since 2026-01-02T03:04:05Z/);
    matches({}, /^good: Network sockets .*: none$/);
    matches({}, /^-: Channels to the process that started the server: 1$/);
  });

  it('calls nothing good that is not enforced', () => {
    const unsupported = { state: 'unsupported', reason: 'no such thing on macOS', since: 0 } as const;
    matches({ filter: unsupported }, /^bad: Not enforced by the system \(no such thing on macOS\)/);
    const failed = { state: 'failed', reason: 'EPERM', since: 0 } as const;
    matches({ filter: failed }, /^bad: .*could not be installed: EPERM$/);
    matches({ sockets: null }, /^-: This system does not show/);
    const open = { family: 'ipv4', listening: true, address: '127.0.0.1:6019', peer: '' } as const;
    matches({ sockets: [open] }, /^bad: .*: ipv4 127\.0\.0\.1:6019 \(listening\)$/);
    const named = { family: 'unix', listening: false, address: '', peer: '/run/x' } as const;
    matches(
      { sockets: [named, ...(quiet.sockets ?? [])] },
      /^bad: Sockets to other programs .*: unix without a name → \/run\/x$/,
    );
    matches({ sockets: [] }, /^-: Channels .*: 0$/);
  });

  it('says who took what away', () => {
    matches({}, /^-: Air-gapped: off/);
    matches({ airGapped: { on: true, by: 'setting' } }, /^good: .*by the setting/);
    matches({ airGapped: { on: true, by: 'policy' } }, /^good: .*by the administrator/);
    const filter = { state: 'unsupported', reason: 'macOS', since: 0 } as const;
    matches({ filter, airGapped: { on: true, by: 'setting' } }, /^-: .*by the setting/); // nothing enforces it there
    for (const state of ['untrusted', 'broken'] as const) {
      matches(
        { policy: { ...quiet.policy, state, problem: 'Line 3.' } },
        /^bad: .*policy\.json\. The strictest values hold: Line 3\.$/,
      );
    }
    matches({ policy: { ...quiet.policy, state: 'trusted' } }, /^good: .*policy\.json$/);
    matches({ policy: { ...quiet.policy, state: 'unchecked' } }, /^-: .*not looked at/);
    const refused = (refusedBy: 'policy' | 'airGapped') => ({
      features: { downloads: { allowed: false, refusedBy }, endpoint: allowed },
    });
    matches(refused('policy'), /^-: Downloads of models: refused by the administrator/);
    matches(refused('airGapped'), /^-: Downloads of models: refused: air-gapped$/);
    matches(refused('policy'), /^-: An endpoint for other programs: allowed, but/);
  });

  it('claims nothing of a server that did not answer', () => {
    const [line, ...more] = unknownNetworkSection('it said no', l10n).lines;
    assert.ok(line !== undefined && more.length === 0);
    assert.equal(line.tone, 'bad');
    assert.match(line.text, /could not be asked .*: it said no$/);
  });
});
