import * as assert from 'node:assert/strict';
import {
  contextHead,
  contextPieces,
  contextStyleOf,
  lineComment,
  parseFimTemplate,
  prefixOnlyForm,
} from '../../../server/src/prompt';

const part = { path: 'src/shop.ts', text: 'const a = 1;\n\nlet b;\n', source: 'open' };

describe('prompt: what is shown besides the file', () => {
  it('has the style that goes with the form', () => {
    const style = (template: string): string | undefined => {
      const form = parseFimTemplate('t', template);
      return form && contextStyleOf(form);
    };
    assert.equal(
      style('<|file_sep|>{path}\n<|fim_prefix|><|fim_suffix|>{suffix}<|fim_middle|>{prefix}'),
      'files',
    );
    assert.equal(style('<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>'), 'none');
    assert.equal(contextStyleOf(prefixOnlyForm), 'comments');
  });

  it('writes files as repositories are written', () => {
    assert.deepEqual(contextHead('files', 'shop'), [
      { control: true, text: '<|repo_name|>' },
      { control: false, text: 'shop\n' },
    ]);
    assert.deepEqual(contextPieces('files', part, 'typescript'), [
      { control: true, text: '<|file_sep|>' },
      { control: false, text: 'src/shop.ts\nconst a = 1;\n\nlet b;\n' },
    ]);
    const [, diff] = contextPieces('files', { ...part, source: 'recentEdit' }, 'typescript');
    assert.ok(diff?.text.startsWith('src/shop.ts.diff\n'));
    assert.deepEqual(contextHead('files', ''), []);
  });

  it('writes comments of the language of the file that is completed, or nothing', () => {
    assert.deepEqual(contextHead('comments', 'shop'), []);
    assert.deepEqual(contextPieces('comments', part, 'python'), [
      { control: false, text: '# Path: src/shop.ts\n# const a = 1;\n#\n# let b;\n' },
    ]);
    assert.equal(lineComment('typescript'), '//');
    assert.equal(lineComment('lua'), '--');
    for (const languageId of ['html', 'css', 'plaintext', 'toString', '']) {
      assert.deepEqual(contextPieces('comments', part, languageId), [], languageId);
    }
    assert.deepEqual(contextPieces('none', part, 'typescript'), []);
  });
});
