import * as assert from 'node:assert/strict';
import type { AskDefinitions, ContextPart, ContextPlan, TextPosition } from '../../../server/src/workspace';
import { ContextPlanner, type PlannedPlace } from '../../../server/src/workspace';

const never = new AbortController().signal;

/** An editor with documents of a folder /w, and a disk. */
class Stage {
  readonly disk = new Map<string, string>();
  readonly asked: string[][] = [];
  readonly reads: string[] = [];
  /** What the editor answers for a name. */
  readonly definitions = new Map<string, { uri: string; startLine: number; endLine: number }>();
  complete = true;
  now = 0;
  readonly planner: ContextPlanner;
  private readonly documents = new Map<
    string,
    { uri: string; languageId: string; version: number; text: string }
  >();

  constructor(ask?: AskDefinitions) {
    this.planner = new ContextPlanner({
      ask:
        ask ??
        ((_, __, positions) =>
          Promise.resolve(this.answer(positions as readonly (TextPosition & { name: string })[]))),
      read: ({ path }) => {
        this.reads.push(path);
        return Promise.resolve(this.disk.get(path));
      },
      now: () => this.now,
    });
    this.configure();
  }

  configure(enabled = true, exclude: string[] = []): void {
    this.planner.configure({ enabled, exclude, folders: ['file:///w'] });
  }

  async open(name: string, text: string): Promise<void> {
    const uri = name.includes(':') ? name : `file:///w/${name}`;
    const document = { uri, languageId: 'typescript', version: 1, text, getText: () => document.text };
    this.documents.set(uri, document);
    this.planner.opened(document);
    await this.planner.renew(uri);
  }

  change(name: string, text: string): void {
    const document = this.documents.get(`file:///w/${name}`);
    assert.ok(document);
    document.text = text;
    document.version += 1;
    this.planner.changed(document.uri);
  }

  /** The user rests at the '|' of the text. */
  async rest(name: string, marked: string, signal = never): Promise<ContextPlan | undefined> {
    const text = marked.replace('|', '');
    const uri = name.includes(':') ? name : `file:///w/${name}`;
    const known = this.documents.get(uri);
    if (known !== undefined && known.text !== text) {
      this.change(name, text);
    }
    const version = known?.version ?? 1;
    const place: PlannedPlace = {
      uri,
      path: name,
      languageId: 'typescript',
      version,
      text,
      offset: marked.indexOf('|'),
    };
    await this.planner.refresh(place, signal);
    return this.planner.plan(uri);
  }

  private answer(positions: readonly { name: string }[]): Awaited<ReturnType<AskDefinitions>> {
    this.asked.push(positions.map(({ name }) => name));
    const places = positions.map(({ name }) => {
      const place = this.definitions.get(name);
      return place === undefined ? [] : [place];
    });
    return { places, complete: this.complete };
  }
}

const shop = 'export function priceOf(item: Item): number {\n  return item.price * item.count;\n}\n';
const cart =
  "import { priceOf } from './shop';\n\nfunction total(items: Item[]) {\n  return items.map((item) => priceOf(item|));\n}\n";

function shown(plan: ContextPlan | undefined): string[] {
  return (plan?.parts ?? []).map(({ source, path }: ContextPart) => `${source} ${path}`);
}

describe('workspace: the planner', () => {
  it('shows the definition of what is used at the cursor, read from disk', async () => {
    const stage = new Stage();
    stage.disk.set('shop.ts', `// head\n\n${shop}`);
    stage.definitions.set('priceOf', { uri: 'file:///w/shop.ts', startLine: 2, endLine: 5 });
    await stage.open('cart.ts', cart.replace('|', ''));
    const plan = await stage.rest('cart.ts', cart);
    assert.deepEqual(
      plan?.parts.map(({ path, text, startLine, endLine, source }) => ({
        path,
        text,
        startLine,
        endLine,
        source,
      })),
      [{ path: 'shop.ts', text: shop, startLine: 2, endLine: 5, source: 'definition' }],
    );
    assert.equal(plan.repository, 'w');
    assert.ok(stage.asked[0]?.includes('priceOf') && stage.asked[0].includes('./shop'));
  });

  it('shows open files that are alike, edited ones and small edits among them, by their likeness', async () => {
    const stage = new Stage();
    await stage.open(
      'alike.ts',
      'function subtotal(items: Item[]) {\n  return items.map((item) => priceOf(item));\n}\n',
    );
    await stage.open('unlike.ts', 'const colour = paint(wall);\n');
    await stage.open('changed.ts', 'const item = 1;\n');
    await stage.open('cart.ts', cart.replace('|', ''));
    await stage.rest('cart.ts', cart);
    stage.change('changed.ts', 'const items = priceOf(item);\n');
    const plan = await stage.rest('cart.ts', cart);
    assert.deepEqual(shown(plan), ['open alike.ts', 'edited changed.ts', 'recentEdit changed.ts']);
    assert.match(
      plan?.parts.at(-1)?.text ?? '',
      /^@@ .* @@\n-const item = 1;\n\+const items = priceOf\(item\);\n$/,
    );
  });

  it('remembers an edit however many files have been opened since', async () => {
    const stage = new Stage();
    await stage.open('changed.ts', 'const item = 1;\n');
    for (let i = 0; i < 15; i += 1) {
      await stage.open(`n${String(i)}.ts`, 'n\n');
    }
    await stage.open('cart.ts', cart.replace('|', ''));
    stage.change('changed.ts', 'const items = priceOf(item);\n');
    const plan = await stage.rest('cart.ts', cart);
    assert.ok(shown(plan).includes('recentEdit changed.ts'), shown(plan).join());
  });

  it('stays as it is while the user types in one region, and is made anew in another', async () => {
    const stage = new Stage();
    stage.disk.set('shop.ts', shop);
    stage.definitions.set('priceOf', { uri: 'file:///w/shop.ts', startLine: 0, endLine: 3 });
    const filler = Array.from({ length: 40 }, (_, i) => `  step(${String(i)});`).join('\n');
    const other = `\nfunction other() {\n${filler}\n}\n`;
    await stage.open('cart.ts', cart.replace('|', '') + other);
    const first = await stage.rest('cart.ts', cart + other);
    assert.deepEqual(shown(first), ['definition shop.ts']);
    const typed = cart.replace('(item|)', '(item, discountOf(item|))') + other;
    assert.equal(await stage.rest('cart.ts', typed), first);
    assert.equal(stage.asked.length, 1, 'nothing was asked again');
    const elsewhere = (cart + other).replace('|', '').replace('step(30);', 'step(30);|');
    const second = await stage.rest('cart.ts', elsewhere);
    assert.equal(stage.asked.length, 2);
    assert.notEqual(second, first);
  });

  it('gives out the same object when nothing better was found, and says when a plan is over', async () => {
    const stage = new Stage();
    await stage.open(
      'alike.ts',
      'function subtotal(items: Item[]) {\n  return items.map((item) => priceOf(item));\n}\n',
    );
    await stage.open('cart.ts', cart.replace('|', ''));
    const first = await stage.rest('cart.ts', cart);
    assert.ok(first?.parts.length === 1);
    await stage.open('unlike.ts', 'const colour = paint(wall);\n');
    assert.equal(await stage.rest('cart.ts', cart), first);
    assert.equal(stage.planner.mayShow(first), true);
    stage.configure(true, ['**/alike.ts']);
    assert.equal(stage.planner.mayShow(first), false);
    assert.equal(stage.planner.plan('file:///w/cart.ts'), undefined);
    assert.deepEqual(shown(await stage.rest('cart.ts', cart)), []);
  });

  it('takes back what an ignore file names from now on', async () => {
    const stage = new Stage();
    await stage.open(
      'alike.ts',
      'function subtotal(items: Item[]) {\n  return items.map((item) => priceOf(item));\n}\n',
    );
    await stage.open('cart.ts', cart.replace('|', ''));
    const first = await stage.rest('cart.ts', cart);
    assert.deepEqual(shown(first), ['open alike.ts']);
    stage.disk.set('.niwakiignore', 'alike.ts\ncart.ts\n');
    stage.now += 2_000; // ignore files are read again after two seconds
    assert.equal(await stage.rest('cart.ts', cart), undefined);
    assert.equal(first && stage.planner.mayShow(first), false);
    assert.equal(await stage.planner.refusal('file:///w/cart.ts'), 'niwakiignore');
    assert.deepEqual(stage.planner.recentTexts('file:///w/cart.ts'), []);
  });

  it('never shows secrets, ignored files, or what lies elsewhere, and does not even read them', async () => {
    const stage = new Stage();
    const text = 'export const priceOf = (item: Item) => item; // items map total Item priceOf item\n';
    const places = ['.env', 'secrets.json', 'ignored/a.ts', 'hidden.ts', '../outside.ts', 'id_rsa'];
    places.forEach((path, i) => {
      stage.disk.set(path, text);
      stage.definitions.set(['priceOf', 'Item', 'items', 'map', 'total', './shop'][i] as string, {
        uri: path.startsWith('..') ? 'file:///outside.ts' : `file:///w/${path}`,
        startLine: 0,
        endLine: 1,
      });
    });
    stage.disk.set('.gitignore', 'ignored/\n');
    stage.configure(true, ['**/hidden.ts']);
    for (const name of [
      '.env.local',
      'ignored/b.ts',
      'server.pem',
      'file:///elsewhere/c.ts',
      'vscode-vfs://github/d.ts',
      'untitled:Untitled-1',
    ]) {
      await stage.open(name, text);
    }
    await stage.open('cart.ts', cart.replace('|', ''));
    assert.deepEqual(shown(await stage.rest('cart.ts', cart)), []);
    assert.deepEqual(stage.planner.recentTexts('file:///w/cart.ts'), []);
    assert.deepEqual(
      stage.reads.filter((path) => !/ignore$|info\/exclude$/.test(path)),
      [],
    );
    assert.equal(await stage.planner.refusal('file:///w/.env.local'), 'secret');
    assert.equal(await stage.planner.refusal('file:///elsewhere/id_rsa'), 'secret');
    assert.equal(await stage.planner.refusal('file:///w/ignored/b.ts'), undefined);
    assert.equal(await stage.rest('.env.local', `${text}|`), undefined);
  });

  it('shows nothing of a document before it has been judged by the folders and rules that hold now', async () => {
    const stage = new Stage();
    const paths = (): string[] => stage.planner.recentTexts('file:///w/a.ts').map(({ path }) => path);
    stage.planner.configure({ enabled: true, exclude: [], folders: [] });
    await stage.open('.env', 'KEY=secret\n');
    await stage.open('a.ts', 'a\n');
    await stage.open('b.ts', 'b\n');
    stage.configure();
    assert.deepEqual(paths(), [], 'in the moment in which the folder is there');
    await stage.planner.renew('file:///w/a.ts');
    assert.deepEqual(paths(), ['b.ts']);
    stage.configure(true, ['**/b.ts']);
    assert.deepEqual(paths(), []);
    await stage.planner.renew('file:///w/a.ts');
    assert.deepEqual(paths(), []);
  });

  it('takes an untitled document for what its name says', async () => {
    const stage = new Stage();
    await stage.open('untitled:/w/.env', 'KEY=secret\n');
    await stage.open('untitled:Untitled-1', 'u\n');
    await stage.open('untitled:Untitled-2', 'v\n');
    assert.deepEqual(
      stage.planner.recentTexts('untitled:Untitled-1').map(({ path }) => path),
      ['Untitled-2'],
    );
    assert.equal(await stage.planner.refusal('untitled:/w/.env'), 'secret');
    assert.equal(await stage.planner.refusal('untitled:Untitled-1'), undefined);
  });

  it('offers open and recent files to copy from, the latest used first', async () => {
    const stage = new Stage();
    await stage.open('a.ts', 'a\n');
    await stage.open('b.ts', 'b\n');
    await stage.open('c.ts', 'c\n');
    await stage.open('untitled:Untitled-1', 'u\n');
    const paths = (uri: string): string[] => stage.planner.recentTexts(uri).map(({ path }) => path);
    assert.deepEqual(paths('file:///w/c.ts'), ['b.ts', 'a.ts']);
    stage.planner.used('file:///w/a.ts');
    assert.deepEqual(paths('file:///w/c.ts'), ['a.ts', 'b.ts']);
    stage.planner.closed('file:///w/a.ts');
    assert.deepEqual(paths('file:///w/c.ts'), ['a.ts', 'b.ts'], 'closed a moment ago');
    for (let i = 0; i < 30; i += 1) {
      await stage.open(`n${String(i)}.ts`, 'n\n');
    }
    assert.equal(paths('file:///w/c.ts').length, 12);
    stage.configure(false);
    assert.deepEqual(paths('file:///w/c.ts'), []);
  });

  it('does without an answer, asks again for what was not answered in time, ever more seldom', async () => {
    const silent = new Stage(() => Promise.reject(new Error('no such method')));
    await silent.open(
      'alike.ts',
      'function subtotal(items: Item[]) {\n  return items.map((item) => priceOf(item));\n}\n',
    );
    await silent.open('cart.ts', cart.replace('|', ''));
    assert.deepEqual(shown(await silent.rest('cart.ts', cart)), ['open alike.ts']);
    const slow = new Stage();
    slow.complete = false;
    slow.disk.set('shop.ts', shop);
    await slow.open('cart.ts', cart.replace('|', ''));
    assert.deepEqual(shown(await slow.rest('cart.ts', cart)), []);
    slow.definitions.set('priceOf', { uri: 'file:///w/shop.ts', startLine: 0, endLine: 3 });
    assert.deepEqual(shown(await slow.rest('cart.ts', cart)), [], 'not so soon');
    slow.now += 1_000;
    assert.deepEqual(shown(await slow.rest('cart.ts', cart)), ['definition shop.ts']);
    slow.definitions.clear();
    for (let i = 0; i < 120; i += 1) {
      slow.now += 1_000;
      assert.deepEqual(
        shown(await slow.rest('cart.ts', cart)),
        ['definition shop.ts'],
        'what was known stays',
      );
    }
    assert.ok(slow.asked.length > 5 && slow.asked.length < 10, `asked ${String(slow.asked.length)} times`);
    slow.complete = true;
    slow.now += 60_000;
    assert.deepEqual(shown(await slow.rest('cart.ts', cart)), []);
    const { length } = slow.asked;
    slow.now += 600_000;
    await slow.rest('cart.ts', cart);
    assert.equal(slow.asked.length, length, 'all is known');
  });

  it('leaves the last finished plan when the user goes on typing', async () => {
    const stage = new Stage();
    await stage.open(
      'alike.ts',
      'function subtotal(items: Item[]) {\n  return items.map((item) => priceOf(item));\n}\n',
    );
    await stage.open('cart.ts', cart.replace('|', ''));
    const first = await stage.rest('cart.ts', cart);
    stage.change('alike.ts', 'function subtotal(items: Item[]) {\n  return items.map(priceOf);\n}\n');
    const controller = new AbortController();
    const resting = stage.rest('cart.ts', cart, controller.signal);
    controller.abort();
    assert.equal(await resting, first);
  });
});
