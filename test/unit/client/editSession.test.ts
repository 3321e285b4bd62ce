import * as assert from 'node:assert/strict';
import type { EditRequest } from '#protocol';
import { minimalEdits } from '#protocol/minimalEdits';
import type { TextDocument } from 'vscode';
import {
  closeDocument,
  fakeUri,
  onDidChange,
  openDocument,
  type FakeDocument,
} from '../../support/fakeVscode';
import { EditSession, type Asked } from '../../../client/src/features/edit/session';
import type { NiwakiContext } from '../../../client/src/context';

const before = 'one\ntwo\nthree\nfour\nfive\nsix\n';
const after = 'one\nzwei\nthree\nfour\nfive\nsechs\n';
const asked: Asked = { task: 'instruct', instruction: 'in German', problems: [], tried: '' };

type Propose = (params: Omit<EditRequest.Params, 'job'>) => Promise<EditRequest.Result>;

describe('client: an edit in place', () => {
  let document: FakeDocument;
  let listening: { stop(): void };
  let session: EditSession;
  let asks: Omit<EditRequest.Params, 'job'>[];
  /** Resolves when the server is there. */
  let server: Promise<void>;

  /** The server makes `after` of whatever it is asked about. */
  const result = (text: string, uri: string): EditRequest.Result => ({
    ...{ problem: '', cancelled: false, form: 'rewrite', figures: null },
    changes: [
      {
        ...{ uri, version: 1, length: text.length, exists: true, broken: [] },
        edits: minimalEdits(text, text.replace('two', 'zwei').replace('six', 'sechs')),
      },
    ],
  });

  function begin(uri: string, propose: Propose): void {
    document = openDocument(before, uri);
    const context = {
      log: { warn: () => undefined },
      server: {
        edits: async () => {
          await server;
          return {
            propose: (params: Omit<EditRequest.Params, 'job'>) => {
              asks.push(params);
              return propose(params);
            },
          };
        },
      },
    } as unknown as NiwakiContext;
    session = new EditSession(
      context,
      document as unknown as TextDocument,
      { start: 0, end: 6 },
      fakeUri('niwaki-edit:/view'),
      () => undefined,
    );
    listening = onDidChange((event) => {
      session.documentChanged(event);
    });
  }

  beforeEach(() => {
    asks = [];
    server = Promise.resolve();
    begin('untitled:Untitled-1', ({ uri }) => Promise.resolve(result(document.getText(), uri)));
  });

  afterEach(() => {
    listening.stop();
    session.dispose();
    closeDocument(document);
  });

  it('is of the text as it is when the server is there, whatever was typed before', async () => {
    let start = (): void => undefined;
    server = new Promise((resolve) => {
      start = resolve;
    });
    const asking = session.ask(asked);
    document.type(0, 0, '// a line\n');
    document.type(0, 0, '// another\n');
    start();
    await asking;
    assert.equal(session.result, `// another\n// a line\n${after}`);
    assert.equal(await session.accept(session.openIds), '');
    assert.equal(document.getText(), `// another\n// a line\n${after}`);
    assert.deepEqual(asks[0]?.range, { start: 0, end: 8 });
  });

  it('follows what is typed while the model is at it', async () => {
    listening.stop();
    closeDocument(document);
    begin('untitled:Untitled-2', ({ uri }) => {
      const said = result(document.getText(), uri);
      document.type(0, 0, '// a line\n');
      return Promise.resolve(said);
    });
    await session.ask(asked);
    assert.equal(session.result, `// a line\n${after}`);
  });

  it('is not asked for again once its view is closed', async () => {
    session.dispose();
    await session.ask(asked);
    assert.equal(asks.length, 0);
  });

  it('counts the undos that take it back: none where somebody else has changed the text in between', async () => {
    await session.ask(asked);
    document.type(0, 0, '// before\n');
    await session.accept([0]);
    assert.equal(session.undos, 1);
    await session.accept([1]);
    assert.equal(session.undos, 2);
    assert.equal(await session.accept([1]), undefined, 'there is nothing to do');
    document.type(0, 0, '// after\n');
    assert.equal(session.undos, 0);
    assert.equal(document.getText(), `// after\n// before\n${after}`);
  });

  it('keeps what was open where an editor takes the edit and keeps it from the file', async () => {
    await session.ask(asked);
    const open = session.openIds;
    const listener = onDidChange(() => {
      // As an editor that was made read-only: what was written goes back.
      if (document.getText() !== before) {
        listener.stop();
        document.change(minimalEdits(document.getText(), before));
      }
    });
    assert.notEqual(await session.accept(open), '');
    listener.stop();
    assert.equal(document.getText(), before);
    assert.deepEqual(session.openIds, open);
    assert.equal(session.result, after);
  });

  it('takes a file’s new name, and what tools have changed in it meanwhile', async () => {
    await session.ask(asked);
    listening.stop();
    const renamed = openDocument(`import './x';\n${before}`, 'untitled:renamed');
    session.renamed(renamed as unknown as TextDocument);
    assert.equal(session.result, `import './x';\n${after}`);
    assert.equal(await session.accept(session.openIds), '');
    assert.equal(renamed.getText(), `import './x';\n${after}`);
    closeDocument(renamed);
  });

  it('is shown although the file was given another name while the model was at it', async () => {
    listening.stop();
    closeDocument(document);
    begin('untitled:old', ({ uri }) => {
      const said = result(document.getText(), uri);
      session.renamed(openDocument(before, 'untitled:new') as unknown as TextDocument);
      return Promise.resolve(said);
    });
    await session.ask(asked);
    assert.deepEqual([session.problem, session.result], ['', after]);
  });

  it('is of nothing any more where an untitled document was closed', async () => {
    await session.ask(asked);
    closeDocument(document);
    openDocument('');
    assert.match((await session.accept(session.openIds)) ?? '', /is not there any more/);
    assert.equal(session.openIds.length, 2);
  });
});
