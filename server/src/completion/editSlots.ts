/** Gives every text that is being edited a slot of the tokenizer of its own, as long as there are enough. */
import { editSlots } from '../engine';

export class EditSlots {
  /** In order of use, the latest last. */
  private readonly slots = new Map<string, number>();

  /** The text's slot; where all are taken, that of the text that was used longest ago. */
  slotOf(text: string): number {
    const slot = this.slots.get(text) ?? this.free();
    this.slots.delete(text);
    this.slots.set(text, slot);
    return slot;
  }

  private free(): number {
    if (this.slots.size < editSlots) {
      return this.slots.size;
    }
    const [oldest, slot] = this.slots.entries().next().value as [string, number];
    this.slots.delete(oldest);
    return slot;
  }
}
