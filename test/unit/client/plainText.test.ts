import * as assert from 'node:assert/strict';
import { plainText } from '../../../client/src/ui/plainText';

/** What VS Code takes for a link in a message (vs/base/common/linkedText). */
const link = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)\3)?\)/;

describe('client: texts of others in messages', () => {
  it('are no links and no icons, and look the same', () => {
    const evil = 'Niwaki: [details](command:workbench.action.quit) $(verified) was imported';
    assert.match(evil, link);
    const plain = plainText(evil);
    assert.doesNotMatch(plain, link);
    assert.ok(!plain.includes('$('));
    assert.equal(plain.replaceAll('\u200B', ''), evil);
    assert.equal(plainText('a (b) [c] $d'), 'a (b) [c] $d');
  });
});
