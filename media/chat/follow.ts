/** Keeps the end of a scroller in sight while it grows, as long as the user is at the end; and says when the user is not. */
export class Follower {
  following = true;
  private last = 0;

  constructor(
    private readonly scroller: HTMLElement,
    private readonly onChange: (following: boolean) => void,
  ) {
    scroller.addEventListener(
      'scroll',
      () => {
        const { scrollTop, scrollHeight, clientHeight } = scroller;
        const atEnd = scrollHeight - scrollTop - clientHeight < 30;
        // What grows below moves nothing: only who goes up does not want to follow.
        if (atEnd) {
          this.set(true);
        } else if (scrollTop < this.last - 1) {
          this.set(false);
        }
        this.last = scrollTop;
      },
      { passive: true },
    );
    scroller.addEventListener(
      'wheel',
      (event) => {
        if (event.deltaY < 0 && scroller.scrollTop > 0) {
          this.set(false);
        }
      },
      { passive: true },
    );
  }

  /** After something was laid out. */
  settle(): void {
    if (this.following) {
      this.scroller.scrollTop = this.scroller.scrollHeight;
      this.last = this.scroller.scrollTop;
    }
  }

  toEnd(): void {
    this.set(true);
    this.settle();
  }

  /** Goes to a place, as it was left. */
  restore(top: number): void {
    this.set(false);
    this.scroller.scrollTop = top;
    this.last = this.scroller.scrollTop;
  }

  private set(following: boolean): void {
    if (this.following !== following) {
      this.following = following;
      this.onChange(following);
    }
  }
}
