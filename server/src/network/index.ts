/** The network's room: what keeps this process from it, and what features may do. */
export { loadGuard, type GuardBinding, type GuardOutcome } from './guardAddon';
export { Network, NetworkRefusedError, type NetworkOptions } from './network';
export { parsePolicy, policyPath, readPolicy } from './policy';
