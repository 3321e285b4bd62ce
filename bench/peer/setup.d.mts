export function missing(): string;
export function setUpPeer(): boolean;
