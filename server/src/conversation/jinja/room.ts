/** How much a template may do: it comes from a file that anybody may have made. */
import { TemplateFault } from './values';

/** It was more than that; `message` is what the template does: "makes too much text". */
export class TemplateExcess extends TemplateFault {}

/** Macros within macros. */
const deepest = 100;

export class Room {
  private steps = 0;
  private made = 0;
  private depth = 0;

  /** `longest`: characters of one text. All texts together may have 64 times as many. */
  constructor(
    private readonly mostSteps: number,
    private readonly longest: number,
  ) {}

  step(): void {
    this.steps += 1;
    if (this.steps > this.mostSteps) {
      throw new TemplateExcess('does not come to an end');
    }
  }

  text(made: string): string {
    this.allow(made.length);
    return made;
  }

  /** Before a text of this length, or a list of as many items, is made. */
  allow(length: number): void {
    this.made += length;
    if (length > this.longest || this.made > 64 * this.longest) {
      throw new TemplateExcess('makes too much text');
    }
  }

  enter(): void {
    this.depth += 1;
    if (this.depth > deepest) {
      throw new TemplateExcess('calls its macros without end');
    }
  }

  leave(): void {
    this.depth -= 1;
  }
}
