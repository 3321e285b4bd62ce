import { RequestType0 } from 'vscode-jsonrpc';

/** What a part of Niwaki may want of the network. Each must ask whether it may; nothing does either so far. */
export type NetworkFeature =
  /** Fetching a model that the user has chosen. */
  | 'downloads'
  /** Answering other programs of this machine on the loopback interface. */
  | 'endpoint';

/** The system's own refusal of sockets, for the server's process and all that it starts. */
export interface NetworkFilter {
  readonly state:
    | 'installed'
    /** This system has none: nothing but our own code's having no such call keeps the process from the network. */
    | 'unsupported'
    /** It has, and yet the filter could not be installed. */
    | 'failed';
  /** A sentence or clause that says why it is not installed; '' = it is. */
  readonly reason: string;
  /** When it was installed, in milliseconds since 1970; 0 = it is not. */
  readonly since: number;
}

/** The file of an administrator's. It can only take away: true for a feature gives nothing that is not there without the file. */
export interface NetworkPolicy {
  /** Where it is looked for. */
  readonly path: string;
  readonly state:
    | 'absent'
    /** It belongs to the administrator, and nobody else can write it. */
    | 'trusted'
    /** It counts; whether it belongs to an administrator is not looked at on this system. */
    | 'unchecked'
    /** Somebody else can write it, or it cannot be read or makes no sense: the strictest values hold. */
    | 'untrusted'
    | 'broken';
  /** A sentence for the administrator; '' = nothing is wrong. */
  readonly problem: string;
  /** What holds by the file alone. */
  readonly values: { readonly airGapped: boolean } & Readonly<Record<NetworkFeature, boolean>>;
}

/** A socket that the server's process has open. */
export interface OpenSocket {
  readonly family: 'unix' | 'ipv4' | 'ipv6' | 'other';
  /** Whether it takes connections. */
  readonly listening: boolean;
  /** '127.0.0.1:6019', a path, '@name' of an abstract one; '' = it has none. */
  readonly address: string;
  /** The other end's; '' = none. */
  readonly peer: string;
}

export interface NetworkState {
  readonly filter: NetworkFilter;
  /** Whether every feature that could use the network is gone, and by whose wish; a policy's comes first. */
  readonly airGapped: { readonly on: boolean; readonly by: '' | 'setting' | 'policy' };
  readonly policy: NetworkPolicy;
  readonly features: Readonly<
    Record<NetworkFeature, { readonly allowed: boolean; readonly refusedBy: '' | 'airGapped' | 'policy' }>
  >;
  /**
   * Now; null = this system does not show them. Where the filter is installed nothing but pairs of `unix` sockets without names can
   * have been opened since. How often something was refused, the system does not count.
   */
  readonly sockets: readonly OpenSocket[] | null;
}

/** client → server. */
export namespace NetworkStateRequest {
  export const method = 'niwaki/networkState';
  export const type = new RequestType0<NetworkState, void>(method);
}
