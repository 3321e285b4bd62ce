import { strict as assert } from 'node:assert';
import { applyEdits } from '#protocol';
import { importEdits, type AddedTests } from '../../../server/src/edit/testImports';
import { realSyntax } from '../syntax/support';

const source = [
  'export function add(a: number): number {',
  '  return a;',
  '}',
  'export const least = 1, most = 9;',
  'export interface Sum {}',
  'export const all = 1;',
  'export const top = 1;',
  'function inner() {}',
  'class Later {}',
  'export { Later, // the least of it',
  '  inner as outer };',
  "export { elsewhere } from './elsewhere';",
  'export const Both = 1;',
  'export type Both = number;',
  'export namespace Spaces { export function within() {} }',
  'export interface Spaces {}',
  '/*',
  'export function old() {}',
  '*/',
  '',
].join('\n');

describe('edit: what added tests import', () => {
  const syntax = realSyntax();
  after(() => {
    syntax.dispose();
  });
  const imported = async (test: string, said: string, more: Partial<AddedTests> = {}): Promise<string> => {
    const asked = {
      ...{ test, said, source, languageId: 'typescript' },
      ...{ path: 'src/add.test.ts', specifier: './add', extension: '.ts', ...more },
    };
    return applyEdits(test, await importEdits(syntax, asked));
  };

  it('is what they use of the tested file, among what is imported from there', async () => {
    assert.equal(
      await imported("import { add } from './add';\n", 'it(() => add(least));'),
      "import { add, least } from './add';\n",
    );
    assert.equal(
      await imported('import Default, { add as sum, } from "./add.js"\n', 'new Later(outer(most))'),
      'import Default, { add as sum, most, Later, outer, } from "./add.js"\n',
    );
  });

  it('is listed as the others are', async () => {
    const test = "import {\n  add,\n} from './add';\n";
    assert.equal(
      await imported(test, 'least; Later'),
      "import {\n  add,\n  least,\n  Later,\n} from './add';\n",
    );
    const tabs = "import {\n\ttop, add\n} from './add';\n";
    assert.equal(await imported(tabs, 'least'), "import {\n\ttop, add,\n\tleast\n} from './add';\n");
    const windows = "import {\r\n    add\r\n} from './add';\r\n";
    assert.equal(
      await imported(windows, 'least'),
      "import {\r\n    add,\r\n    least\r\n} from './add';\r\n",
    );
  });

  it('is an import of its own where there is none, written like the last one', async () => {
    const test = "import { it } from 'vitest'\nimport { x } from '../x.js'\n\nit('x', () => x)\n";
    assert.equal(
      await imported(test, 'const sum: Sum = add()', { specifier: '../add', extension: '.tsx' }),
      "import { it } from 'vitest'\nimport { x } from '../x.js'\nimport { add, type Sum } from '../add.js'\n\nit('x', () => x)\n",
    );
    assert.equal(
      await imported("import { x } from './x.jsx'; // why\nx();\n", 'least'),
      "import { x } from './x.jsx'; // why\nimport { least } from './add.js';\nx();\n",
    );
    assert.equal(
      await imported("import { x } from './x.ts';\n", 'least', { extension: '.tsx' }),
      "import { x } from './x.ts';\nimport { least } from './add.tsx';\n",
    );
    assert.equal(
      await imported("import test from 'node:test';\n", 'least', {
        ...{ path: 'add.test.mjs', languageId: 'javascript', extension: '.mjs' },
      }),
      "import test from 'node:test';\nimport { least } from './add.mjs';\n",
    );
  });

  it('leaves attributes, comments and texts that look like imports as they are', async () => {
    const own = "\nimport { least } from './add';";
    for (const [before, after] of [
      ["import data from './data.json' with { type: 'json' };", '\nx();\n'],
      ["import { add, /* sum */ } from './add';", '\n'],
      ["import {\n  add // the sum\n} from './add';", '\n'],
      ["import { it } from 'vitest';", "\nconst code = `\nimport { x } from './add';\n`;\n"],
      ["import { it } from 'vitest';", "\n/*\nimport { x } from './add';\n*/\n"],
      ["import { it } from 'vitest';", ' it();\n'],
      [`import { x } from './x'; // ${'why '.repeat(500)}`.trimEnd(), '\nx();\n'],
      ["import type { Sum } from './add';\nimport * as names from './add';", '\n'],
    ] as const) {
      assert.equal(await imported(before + after, 'least'), before + own + after, before);
    }
  });

  it('is nothing that is there, made by themselves, only spoken of, or not exported', async () => {
    const test = "import { add } from './add';\n";
    for (const said of [
      'add(1)',
      "it('least', () => 1); // Later\n/* outer */",
      'it(`the least`, () => 1);',
      'const least = 2; least',
      "const { least, x: [most = 1] } = await import('./add');\nleast + most;",
      'let a = 1, least = 2; least;',
      'for (const least of []) { least; }',
      '[].map((least) => least);\n[].map(least => least);\nfunction f(least: number, ...most: []) { return least + most; }',
      'class Later {}\nnew Later();',
      'try {} catch (least) { least; }',
      'object.least; f.call(1); x.stop(); 1e5; ({ least: 1 }).least;',
      'inner(); elsewhere(); within(); old();',
      "import { least } from './add';\nleast",
    ]) {
      assert.equal(await imported(test, said), test, said);
    }
    const react = { languageId: 'typescriptreact', path: 'add.test.tsx' };
    assert.equal(await imported(test, '<p least="x">at least one</p>;', react), test);
    const used = "import { add } from './add';\nit(() => least);\n";
    assert.equal(await imported(used, 'least'), used);
  });

  it('imports a value and a type of one name once, as the value, and no types into JavaScript', async () => {
    const test = "import { add } from './add';\n";
    assert.equal(
      await imported(test, 'Both; Spaces.within()'),
      "import { add, Both, Spaces } from './add';\n",
    );
    const script = { languageId: 'javascript', path: 'add.test.js' };
    assert.equal(await imported(test, 'Sum; least', script), "import { add, least } from './add';\n");
  });

  it('is left alone in files that are no modules, and in other languages', async () => {
    for (const test of ["const { add } = require('./add');\n", '', "import './add';\n"]) {
      assert.equal(await imported(test, 'least'), test);
    }
    const python = 'from add import add\n';
    assert.equal(await imported(python, 'least', { languageId: 'python' }), python);
  });

  it('takes no time for texts that are made to take some', async () => {
    const many = 20_000;
    for (const text of [
      `import { x } from './x';\nimport${'\n'.repeat(many)}`,
      `import x${' '.repeat(many)}`,
      `\`${"\\'".repeat(many)}`,
      'import a\n'.repeat(many / 10),
      `import { x${' '.repeat(many)}y } from './add';\n`,
    ]) {
      const began = performance.now();
      await imported(text, 'least', { source: `${source}export function${' '.repeat(many)}` });
      await imported("import { add } from './add';\n", text);
      assert.ok(performance.now() - began < 3_000, text.slice(0, 20));
    }
  });
});
