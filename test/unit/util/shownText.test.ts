import * as assert from 'node:assert/strict';
import { shownText } from '../../../server/src/util/shownText';

describe('util: texts out of files', () => {
  it('leaves honest names alone', () => {
    assert.equal(shownText('Bonsai 8B – ボンサイ'), 'Bonsai 8B – ボンサイ');
  });

  it('takes commands to terminals and line ends out', () => {
    const shown = shownText('\u001b[31mRED\u0007\nModel: other\u202e');
    assert.equal(shown, '\u{fffd}[31mRED\u{fffd}\u{fffd}Model: other\u{fffd}');
  });

  it('cuts what nobody could read', () => {
    assert.equal(shownText('x'.repeat(5_000_000)).length, 201);
  });
});
