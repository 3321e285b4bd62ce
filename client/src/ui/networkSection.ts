/** The privacy report's first section: what keeps the server off the network, and what sockets it has. */
import type { NetworkFeature, NetworkPolicy, NetworkState, OpenSocket } from '#protocol';
import type { l10n as Localization } from 'vscode';
import type { ReportLine, ReportSection } from './report';

type L10n = Pick<typeof Localization, 't'>;

function filterLine({ filter }: NetworkState, l10n: L10n): ReportLine {
  switch (filter.state) {
    case 'installed':
      return {
        tone: 'good',
        text: l10n.t(
          'The system refuses network sockets to the server and to all that it starts (seccomp filter, since {0}).',
          new Date(filter.since).toISOString().replace(/\.\d+Z$/, 'Z'),
        ),
      };
    case 'unsupported':
      return {
        tone: 'bad',
        text: l10n.t(
          'Not enforced by the system ({0}). That the server opens no connection rests on its code, which has no call that could.',
          filter.reason,
        ),
      };
    case 'failed':
      return {
        tone: 'bad',
        text: l10n.t('The filter that refuses network sockets could not be installed: {0}', filter.reason),
      };
  }
}

function airGappedLine({ airGapped, filter }: NetworkState, l10n: L10n): ReportLine {
  if (!airGapped.on) {
    return { text: l10n.t('Air-gapped: off (niwaki.network.airGapped)') };
  }
  const text =
    airGapped.by === 'policy'
      ? l10n.t('Air-gapped: on, by the administrator’s policy')
      : l10n.t('Air-gapped: on, by the setting niwaki.network.airGapped');
  // Where the system enforces nothing it only takes our own features away.
  return filter.state === 'installed' ? { tone: 'good', text } : { text };
}

function policyLine({ path, state, problem }: NetworkPolicy, l10n: L10n): ReportLine {
  switch (state) {
    case 'absent':
      return { text: l10n.t('Administrator’s policy: none ({0})', path) };
    case 'trusted':
      return { tone: 'good', text: l10n.t('Administrator’s policy: {0}', path) };
    case 'unchecked':
      return {
        text: l10n.t('Administrator’s policy: {0}. Who may write it is not looked at on this system.', path),
      };
    case 'untrusted':
    case 'broken':
      return {
        tone: 'bad',
        text: l10n.t('Administrator’s policy: {0}. The strictest values hold: {1}', path, problem),
      };
  }
}

function featureLine(name: NetworkFeature, { features }: NetworkState, l10n: L10n): ReportLine {
  const what =
    name === 'downloads' ? l10n.t('Downloads of models') : l10n.t('An endpoint for other programs');
  const state = {
    '': l10n.t('allowed, but this version has none'),
    policy: l10n.t('refused by the administrator’s policy'),
    airGapped: l10n.t('refused: air-gapped'),
  }[features[name].refusedBy];
  return { text: `${what}: ${state}` };
}

function socketInWords({ family, listening, address, peer }: OpenSocket, l10n: L10n): string {
  const name = address === '' ? l10n.t('without a name') : address;
  const ends = peer === '' ? name : `${name} → ${peer}`;
  return listening ? l10n.t('{0} (listening)', `${family} ${ends}`) : `${family} ${ends}`;
}

function listed(sockets: readonly OpenSocket[], l10n: L10n): string {
  return sockets.map((socket) => socketInWords(socket, l10n)).join(', ');
}

/** Of its own machine's sockets: pairs without names are channels to whoever started it; who has a name is somebody else. */
function leadsElsewhere({ listening, address, peer }: OpenSocket): boolean {
  return listening || address !== '' || peer !== '';
}

function socketLines({ sockets }: NetworkState, l10n: L10n): readonly ReportLine[] {
  if (sockets === null) {
    return [{ text: l10n.t('This system does not show which sockets the server has.') }];
  }
  const network = sockets.filter(({ family }) => family !== 'unix');
  const local = sockets.filter(({ family }) => family === 'unix');
  const named = local.filter(leadsElsewhere);
  const pairs = local.length - named.length;
  return [
    network.length === 0
      ? { tone: 'good', text: l10n.t('Network sockets that the server has open: none') }
      : {
          tone: 'bad',
          text: l10n.t('Network sockets that the server has open: {0}', listed(network, l10n)),
        },
    ...(named.length === 0
      ? []
      : [
          {
            tone: 'bad' as const,
            text: l10n.t(
              'Sockets to other programs of this machine, which may have a network: {0}',
              listed(named, l10n),
            ),
          },
        ]),
    { text: l10n.t('Channels to the process that started the server: {0}', String(pairs)) },
  ];
}

export function networkSection(state: NetworkState, l10n: L10n): ReportSection {
  return {
    title: l10n.t('Network'),
    lines: [
      filterLine(state, l10n),
      ...socketLines(state, l10n),
      airGappedLine(state, l10n),
      policyLine(state.policy, l10n),
      featureLine('downloads', state, l10n),
      featureLine('endpoint', state, l10n),
      {
        text: l10n.t(
          'The part of Niwaki that runs in VS Code’s extension host has no call that could open a connection; the host itself, VS Code and other extensions are not ours to hold.',
        ),
      },
    ],
  };
}

/** Where there is no answer. That says nothing of the server: it may run all the same. */
export function unknownNetworkSection(reason: string, l10n: L10n): ReportSection {
  const text = l10n.t('The server could not be asked what keeps it from the network: {0}', reason);
  return { title: l10n.t('Network'), lines: [{ tone: 'bad', text }] };
}
