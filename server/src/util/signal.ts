/** An AbortSignal for whatever says in another way that somebody has given up. */

/** What LSP's libraries call a cancellation token, as far as it matters here. */
export interface Cancellable {
  readonly isCancellationRequested: boolean;
  onCancellationRequested(listener: () => void): unknown;
}

export function toSignal(token: Cancellable): AbortSignal {
  const controller = new AbortController();
  if (token.isCancellationRequested) {
    controller.abort();
  }
  token.onCancellationRequested(() => {
    controller.abort();
  });
  return controller.signal;
}
