/** Callbacks that are told of a change, in the order in which they came. */
export class Listeners {
  private readonly callbacks = new Set<() => void>();

  /** Returns what takes the callback off again. */
  add(callback: () => void): () => void {
    this.callbacks.add(callback);
    return () => {
      this.callbacks.delete(callback);
    };
  }

  fire(): void {
    for (const callback of [...this.callbacks]) {
      callback();
    }
  }
}
