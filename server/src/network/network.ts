/** What this process may do with the network, and what keeps it from more. */
import type { NetworkFeature, NetworkFilter, NetworkPolicy, NetworkState, OpenSocket } from '#protocol';
import { loadGuard, type GuardBinding } from './guardAddon';
import { readPolicy } from './policy';

export interface NetworkOptions {
  /** The user's setting. */
  readonly airGapped: boolean;
  readonly guard?: GuardBinding;
  readonly policy?: NetworkPolicy;
  readonly platform?: NodeJS.Platform;
  readonly now?: () => number;
}

/** A feature was about to use the network and may not. */
export class NetworkRefusedError extends Error {
  constructor(
    readonly feature: NetworkFeature,
    readonly refusedBy: 'airGapped' | 'policy',
  ) {
    super(
      refusedBy === 'airGapped'
        ? `Niwaki is air-gapped here: there are no ${feature}.`
        : `The administrator's policy of this machine allows no ${feature}.`,
    );
  }
}

/** A channel to whoever started this process. A local socket with a name leads to another program, which may speak to the network for us. */
function isChannel({ family, listening, address, peer }: OpenSocket): boolean {
  return family === 'unix' && !listening && address === '' && peer === '';
}

export class Network {
  readonly filter: NetworkFilter;
  readonly policy: NetworkPolicy;
  readonly airGapped: NetworkState['airGapped'];
  private readonly guard: GuardBinding;
  private readonly platform: NodeJS.Platform;

  /** Installs the filter: whatever is to be open from now on has been opened. */
  constructor(options: NetworkOptions) {
    this.guard = options.guard ?? loadGuard();
    this.platform = options.platform ?? process.platform;
    this.policy = options.policy ?? readPolicy();
    const by = this.policy.values.airGapped ? 'policy' : options.airGapped ? 'setting' : '';
    this.airGapped = { on: by !== '', by };
    const { state, reason } = this.guard.install();
    this.filter = { state, reason, since: state === 'installed' ? (options.now ?? Date.now)() : 0 };
  }

  /** Why this process must not go on at all, a sentence for the user; '' = it may. */
  get refusal(): string {
    if (!this.airGapped.on || this.platform !== 'linux') {
      return ''; // elsewhere there is no filter to insist on; that is said, not hidden
    }
    if (this.filter.state !== 'installed') {
      return (
        'Niwaki is air-gapped here and does not start, because this system cannot be made to refuse network connections: ' +
        `${this.filter.reason}. ${this.whatToDo()}`
      );
    }
    const sockets = this.sockets();
    if (sockets === null) {
      return (
        'Niwaki is air-gapped here and does not start, because it cannot see what sockets its process has open. ' +
        this.whatToDo()
      );
    }
    const open = sockets.filter((socket) => !isChannel(socket));
    if (open.length > 0) {
      const what = open.some(({ family }) => family !== 'unix')
        ? 'a network socket'
        : 'a socket to another program';
      const names = open.map(({ family, address, peer }) => address || peer || family).join(', ');
      return (
        `Niwaki is air-gapped here and does not start, because its process was given ${what} (${names}). ` +
        `Is it run under a debugger? ${this.whatToDo()}`
      );
    }
    return '';
  }

  /** Whether a feature may use the network. Every feature that could asks this, or `demand`, before it does. */
  allows(feature: NetworkFeature): boolean {
    return this.refusedBy(feature) === '';
  }

  /** Throws a NetworkRefusedError where a feature may not use the network. */
  demand(feature: NetworkFeature): void {
    const refusedBy = this.refusedBy(feature);
    if (refusedBy !== '') {
      throw new NetworkRefusedError(feature, refusedBy);
    }
  }

  state(): NetworkState {
    const right = (feature: NetworkFeature): NetworkState['features'][NetworkFeature] => {
      const refusedBy = this.refusedBy(feature);
      return { allowed: refusedBy === '', refusedBy };
    };
    return {
      filter: this.filter,
      airGapped: this.airGapped,
      policy: this.policy,
      features: { downloads: right('downloads'), endpoint: right('endpoint') },
      sockets: this.sockets(),
    };
  }

  /** One line for the log. */
  summary(): string {
    const { state, reason } = this.filter;
    const airGapped = this.airGapped.on ? ` Air-gapped by ${this.airGapped.by}.` : '';
    return (
      (state === 'installed'
        ? 'The system refuses this process and its children every network connection.'
        : `The system does not keep this process from the network: ${reason}.`) + airGapped
    );
  }

  private refusedBy(feature: NetworkFeature): '' | 'airGapped' | 'policy' {
    return this.airGapped.on ? 'airGapped' : this.policy.values[feature] ? '' : 'policy';
  }

  private sockets(): readonly OpenSocket[] | null {
    return this.guard.openSockets();
  }

  private whatToDo(): string {
    return this.airGapped.by === 'setting'
      ? 'The setting niwaki.network.airGapped asks for this.'
      : `The policy file ${this.policy.path} asks for this.`;
  }
}
