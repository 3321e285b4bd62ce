/** Who may use the network, and when the server does not start. */
import type { NetworkPolicy, OpenSocket } from '#protocol';
import { Network, NetworkRefusedError, type GuardBinding, type NetworkOptions } from '#server/network/index';
import * as assert from 'node:assert/strict';

const channel: OpenSocket = { family: 'unix', listening: false, address: '', peer: '' };

function guard(
  state: 'installed' | 'unsupported' | 'failed',
  sockets: OpenSocket[] | null = [channel],
): GuardBinding {
  const outcome = { state, reason: state === 'installed' ? '' : 'the kernel says no' };
  return {
    guardVersion: 1,
    leaveRingsBehind: () => outcome,
    install: () => outcome,
    openSockets: () => sockets,
  };
}

function policy(values: Partial<NetworkPolicy['values']> = {}): NetworkPolicy {
  return {
    path: '/etc/niwaki/policy.json',
    state: 'trusted',
    problem: '',
    values: { airGapped: false, downloads: true, endpoint: true, ...values },
  };
}

function network(options: Partial<NetworkOptions> = {}): Network {
  return new Network({
    airGapped: false,
    guard: guard('installed'),
    policy: policy(),
    platform: 'linux',
    now: () => 1234,
    ...options,
  });
}

describe('network: what may be done', () => {
  it('allows what nobody takes away', () => {
    const state = network().state();
    assert.deepEqual(state.filter, { state: 'installed', reason: '', since: 1234 });
    assert.deepEqual(state.airGapped, { on: false, by: '' });
    assert.deepEqual(state.features.downloads, { allowed: true, refusedBy: '' });
    assert.deepEqual(state.sockets, [channel]);
    network().demand('downloads');
  });

  it('refuses what the policy takes away, and everything where it is air-gapped', () => {
    const restricted = network({ policy: policy({ endpoint: false }) });
    assert.equal(restricted.allows('downloads'), true);
    assert.equal(restricted.allows('endpoint'), false);
    assert.throws(() => {
      restricted.demand('endpoint');
    }, NetworkRefusedError);
    for (const options of [{ airGapped: true }, { policy: policy({ airGapped: true }) }]) {
      const gapped = network(options);
      assert.deepEqual([gapped.allows('downloads'), gapped.allows('endpoint')], [false, false]);
      assert.throws(() => {
        gapped.demand('downloads');
      }, /air-gapped/);
    }
  });

  it('says whose wish it is; the setting cannot undo the policy', () => {
    assert.equal(network({ airGapped: true }).airGapped.by, 'setting');
    assert.equal(network({ airGapped: true, policy: policy({ airGapped: true }) }).airGapped.by, 'policy');
    assert.equal(network({ airGapped: false, policy: policy({ airGapped: true }) }).airGapped.by, 'policy');
  });

  it('does not start air-gapped on Linux without the filter, and elsewhere says that there is none', () => {
    for (const state of ['failed', 'unsupported'] as const) {
      const without = { guard: guard(state) };
      assert.equal(network(without).refusal, '');
      assert.match(
        network({ ...without, airGapped: true }).refusal,
        /the kernel says no.*niwaki\.network\.airGapped/,
      );
      const byPolicy = { ...without, policy: policy({ airGapped: true }) };
      assert.match(network(byPolicy).refusal, /\/etc\/niwaki\/policy\.json/);
      const elsewhere = network({ ...without, airGapped: true, platform: 'darwin' });
      assert.equal(elsewhere.refusal, '');
      assert.deepEqual(elsewhere.state().filter, { state, reason: 'the kernel says no', since: 0 });
      assert.match(elsewhere.summary(), /does not keep this process from the network: the kernel says no/);
    }
  });

  it('does not start air-gapped with a network socket that it was given', () => {
    const debugged = guard('installed', [
      channel,
      { family: 'ipv4', listening: true, address: '127.0.0.1:6019', peer: '' },
    ]);
    assert.equal(network({ guard: debugged }).refusal, '');
    assert.match(network({ guard: debugged, airGapped: true }).refusal, /127\.0\.0\.1:6019.*debugger/);
    for (const leads of [{ peer: '/run/user/1/bus' }, { address: '@agent' }, { listening: true }]) {
      const handedIn = guard('installed', [channel, { ...channel, ...leads }]);
      assert.equal(network({ guard: handedIn }).refusal, '');
      assert.match(network({ guard: handedIn, airGapped: true }).refusal, /a socket to another program \(/);
    }
    assert.equal(network({ airGapped: true }).refusal, '', 'its own channel leads to the editor');
    assert.match(
      network({ guard: guard('installed', null), airGapped: true }).refusal,
      /cannot see what sockets/,
    );
  });
});
