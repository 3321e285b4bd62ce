import * as assert from 'node:assert/strict';
import { EditSlots } from '../../../server/src/completion/editSlots';
import { editSlots } from '../../../server/src/engine';

describe('completion: slots of texts that are edited', () => {
  it('keeps a text in its slot, and gives away the one that was used longest ago', () => {
    const slots = new EditSlots();
    const names = Array.from({ length: editSlots }, (_, i) => `text ${String(i)}`);
    const first = names.map((name) => slots.slotOf(name));
    assert.equal(new Set(first).size, editSlots);
    assert.ok(Math.max(...first) < editSlots && Math.min(...first) === 0);
    assert.equal(slots.slotOf('text 0'), first[0]);
    assert.equal(slots.slotOf('another'), first[1]);
    assert.equal(slots.slotOf('text 0'), first[0]);
    assert.equal(slots.slotOf('text 1'), first[2]);
  });
});
