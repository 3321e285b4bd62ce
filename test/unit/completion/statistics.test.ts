import * as assert from 'node:assert/strict';
import { Statistics, type CompletionRequest } from '../../../server/src/completion';
import { sleep } from '../../../server/src/util/sleep';

const uri = 'file:///w/a.ts';
const made = { confidence: 0.5, proposer: 'model' } as const;

/** An editor with one document. */
class Editor {
  text = '';
  version = 0;
  open = true;
  readonly statistics = new Statistics({
    textOf: () => (this.open ? this.text : undefined),
    keptAfterMs: 20,
    now: () => 1234,
  });

  /** The document becomes this in one change, the cursor at the '|'. */
  write(marked: string): CompletionRequest {
    const offset = marked.indexOf('|');
    this.text = marked.replace('|', '');
    this.version += 1;
    return {
      document: { uri, path: 'a.ts', languageId: 'typescript', version: this.version, text: this.text },
      offset,
      maxTokens: 32,
    };
  }

  /** The same, and a completion is asked for there. */
  ask(marked: string): CompletionRequest {
    const request = this.write(marked);
    this.statistics.requested(request);
    return request;
  }

  /** This is offered behind the cursor; the item's id. */
  offer(request: CompletionRequest, text: string): string {
    const { offset } = request;
    const [id] = this.statistics.returned(request, [{ text, start: offset, end: offset, ...made }]);
    return id ?? assert.fail('no id');
  }

  get counts(): Omit<ReturnType<Statistics['snapshot']>, 'since'> {
    const { since, ...counts } = this.statistics.snapshot();
    assert.equal(since, 1234);
    return counts;
  }
}

const none = new Editor().counts;

describe('completion: statistics', () => {
  it('count what was asked, offered and accepted', () => {
    const editor = new Editor();
    editor.offer(editor.ask('let x = |\n'), 'one();');
    const id = editor.offer(editor.ask('let y = |\n'), 'two();');
    editor.ask('let z = |\n');
    editor.statistics.accepted(id);
    assert.deepEqual(editor.counts, {
      ...none,
      requested: 3,
      returned: 2,
      suggestions: 2,
      accepted: 1,
      acceptedCharacters: 6,
    });
    editor.statistics.dispose();
  });

  it('count an item once, and none that they never gave out', () => {
    const editor = new Editor();
    const id = editor.offer(editor.ask('let x = |\n'), 'one();');
    for (const other of [id, id, '77', '', 'constructor']) {
      editor.statistics.accepted(other);
    }
    assert.equal(editor.counts.accepted, 1);
    editor.statistics.dispose();
  });

  it('count what was inserted, not what was replaced', () => {
    const editor = new Editor();
    const request = editor.ask('console.lo|');
    const id = editor.statistics.returned(request, [{ text: 'log(x);', start: 8, end: 10, ...made }])[0];
    editor.statistics.accepted(id ?? '');
    assert.equal(editor.counts.acceptedCharacters, 5);
    editor.statistics.dispose();
  });

  const accept = async (before: string, text: string, after: (editor: Editor) => void): Promise<Editor> => {
    const editor = new Editor();
    const id = editor.offer(editor.ask(before), text);
    editor.write(before.replace('|', `${text}|`));
    editor.statistics.accepted(id);
    after(editor);
    await sleep(50);
    return editor;
  };

  it('look later whether what was accepted still stands, wherever it has got to', async () => {
    const kept = await accept('a;\nlet x = |\n', 'one();', (editor) => {
      editor.write('a;\nmore;\nand more;\nlet x = one(); // said|\n');
    });
    assert.deepEqual([kept.counts.lookedAt, kept.counts.kept, kept.counts.keptCharacters], [1, 1, 6]);
    const changed = await accept('let x = |\n', 'one();', (editor) => {
      editor.write('let x = once();|\n');
    });
    assert.deepEqual([changed.counts.lookedAt, changed.counts.kept], [1, 0]);
    const undone = await accept('let x = one();\nlet x = |\n', 'one();', (editor) => {
      editor.write('let x = one();\nlet x = |\n'); // the same line stands there once more
    });
    assert.deepEqual([undone.counts.lookedAt, undone.counts.kept], [1, 0]);
    const crlf = await accept('f() {\r\n  |\r\n}', 'a();\r\n  b();', () => undefined);
    assert.deepEqual([crlf.counts.lookedAt, crlf.counts.kept], [1, 1]);
  });

  it('do not judge what was closed meanwhile', async () => {
    const editor = await accept('let x = |\n', 'one();', (closing) => {
      closing.open = false;
    });
    assert.deepEqual([editor.counts.accepted, editor.counts.lookedAt], [1, 0]);
  });

  it('estimate what was accepted in part', () => {
    const editor = new Editor();
    editor.offer(editor.ask('let x = |\n'), 'first + second;');
    editor.ask('let x = first|\n');
    const { partlyAccepted, partlyAcceptedCharacters } = editor.counts;
    assert.deepEqual([partlyAccepted, partlyAcceptedCharacters], [1, 5]);
  });

  it('estimate that also where keys were typed before', () => {
    const editor = new Editor();
    editor.offer(editor.ask('let x = |\n'), 'first + second;');
    editor.write('let x = f|\n');
    editor.ask('let x = first|\n');
    const { partlyAccepted, partlyAcceptedCharacters } = editor.counts;
    assert.deepEqual([partlyAccepted, partlyAcceptedCharacters], [1, 4]);
  });

  it('do not take typing for it, nor several changes, nor accepting all, nor other text', () => {
    const cases: readonly ((editor: Editor) => void)[] = [
      (editor) => editor.ask('let x = f|\n'),
      (editor) => {
        editor.write('let x = f|\n');
        editor.ask('let x = fi|\n');
      },
      (editor) => editor.ask('let x = first;|\n'),
      (editor) => editor.ask('let x = fist|\n'),
      (editor) => editor.ask('let |x = \n'),
    ];
    for (const go of cases) {
      const editor = new Editor();
      editor.offer(editor.ask('let x = |\n'), 'first;');
      go(editor);
      assert.equal(editor.counts.partlyAccepted, 0);
      assert.equal(editor.counts.typedToTheEnd, 0);
    }
  });

  it('estimate what was typed to its end', () => {
    const editor = new Editor();
    editor.offer(editor.ask('x = |\n'), 'ab');
    editor.offer(editor.ask('x = a|\n'), 'b');
    editor.ask('x = ab|\n');
    const { returned, suggestions, typedToTheEnd } = editor.counts;
    assert.deepEqual([returned, suggestions, typedToTheEnd], [2, 1, 1]);
  });

  it('count what is offered once, however often the rest of it is offered', () => {
    const editor = new Editor();
    editor.offer(editor.ask('a;\nx = |\n'), 'one();');
    editor.offer(editor.ask('a;\nx = o|\n'), 'ne();');
    editor.offer(editor.ask('a;\nx = on|\n'), 'e();');
    editor.offer(editor.ask('a;\nx = o|\n'), 'ne();'); // a key taken back
    assert.deepEqual([editor.counts.returned, editor.counts.suggestions], [4, 1]);
    editor.offer(editor.ask('a;\nx = o|\n'), 'ther();');
    editor.offer(editor.ask('a;\nx = one();\nx = |\n'), 'one();'); // the same in another line
    assert.deepEqual([editor.counts.returned, editor.counts.suggestions], [6, 3]);
  });

  it('count several that are offered to choose from, and which of them is taken', () => {
    const editor = new Editor();
    const request = editor.ask('x = |\n');
    const suggestions = ['one();', 'other();'].map((text) => ({ text, start: 4, end: 4, ...made }));
    const ids = editor.statistics.returned(request, suggestions);
    assert.equal(new Set(ids).size, 2);
    editor.statistics.accepted(ids[1] ?? '');
    const { returned, suggestions: own, accepted, acceptedCharacters } = editor.counts;
    assert.deepEqual([returned, own, accepted, acceptedCharacters], [1, 2, 1, 8]);
    assert.deepEqual(editor.statistics.returned(editor.ask('x = |\n'), []), []);
    assert.equal(editor.counts.returned, 1);
    editor.statistics.dispose();
  });

  it('begin anew when they are cleared, and forget what was accepted before', async () => {
    const editor = await accept('let x = |\n', 'one();', ({ statistics }) => {
      statistics.clear();
    });
    assert.deepEqual(editor.counts, none);
  });
});
