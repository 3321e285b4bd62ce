/** Thinking and text apart, as they come. */

export interface SaidPart {
  readonly part: 'thinking' | 'text';
  readonly text: string;
}

const open = '<think>';
const close = '</think>';

/**
 * Splits what a model writes into thinking and text, as it comes, tags across pieces too. The tags are left out, and so is the white space
 * that the templates of thinking models put around a thought; what an answer begins with when nothing was thought stays as it is.
 *
 * A thought is only where templates have it: at the beginning. Behind text a tag is text: an answer about these tags is no thought.
 */
export class ThoughtSplitter {
  private state: 'start' | 'thinking' | 'after' | 'text';
  /** Not given out yet: it may be a part of a tag, or white space at a thought's edge. */
  private held = '';
  /** Whether the thought has said something. */
  private begun = false;

  constructor(startsInThought: boolean) {
    this.state = startsInThought ? 'thinking' : 'start';
  }

  /** What is certain now. */
  push(text: string): readonly SaidPart[] {
    this.held += text;
    return this.drain(false);
  }

  /** What was held back, when nothing follows. */
  end(): readonly SaidPart[] {
    return this.drain(true);
  }

  private drain(ended: boolean): readonly SaidPart[] {
    const parts: SaidPart[] = [];
    for (;;) {
      const before = this.state;
      const part = this.step(ended);
      if (part !== undefined) {
        parts.push(part);
      }
      if (this.state === before) {
        return parts;
      }
    }
  }

  private step(ended: boolean): SaidPart | undefined {
    switch (this.state) {
      case 'start': {
        const text = this.held.trimStart();
        if (text.startsWith(open)) {
          this.held = text.slice(open.length);
          this.state = 'thinking';
        } else if (!open.startsWith(text) || ended) {
          this.state = 'text';
        }
        return undefined;
      }
      case 'thinking':
        return this.think(ended);
      case 'after': {
        this.held = this.held.trimStart();
        if (this.held !== '') {
          this.state = 'text';
        }
        return undefined;
      }
      case 'text': {
        const text = this.held;
        this.held = '';
        return text === '' ? undefined : { part: 'text', text };
      }
    }
  }

  private think(ended: boolean): SaidPart | undefined {
    if (!this.begun) {
      this.held = this.held.trimStart();
    }
    const at = this.held.indexOf(close);
    let text: string;
    if (at >= 0) {
      text = this.held.slice(0, at).trimEnd();
      this.held = this.held.slice(at + close.length);
      this.state = 'after';
    } else {
      const certain = ended ? this.held.length : this.held.length - beginningOf(close, this.held);
      text = this.held.slice(0, certain).trimEnd();
      this.held = ended ? '' : this.held.slice(text.length);
    }
    if (text === '') {
      return undefined;
    }
    this.begun = true;
    return { part: 'thinking', text };
  }
}

/** How many characters at the end of `text` are the beginning of `tag`. */
function beginningOf(tag: string, text: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length -= 1) {
    if (tag.startsWith(text.slice(-length))) {
      return length;
    }
  }
  return 0;
}

/** All of an answer at once. */
export function splitThought(
  text: string,
  startsInThought: boolean,
): { readonly thinking: string; readonly text: string } {
  const splitter = new ThoughtSplitter(startsInThought);
  const parts = [...splitter.push(text), ...splitter.end()];
  const joined = (part: SaidPart['part']): string =>
    parts.flatMap((said) => (said.part === part ? [said.text] : [])).join('');
  return { thinking: joined('thinking'), text: joined('text') };
}
