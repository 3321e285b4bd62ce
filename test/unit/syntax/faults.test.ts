import { strict as assert } from 'node:assert';
import { addedFaults } from '#server/syntax/index';
import { realSyntax } from './support';

describe('syntax: faults', () => {
  const syntax = realSyntax();
  const added = async (
    before: string,
    after: string,
    languageId = 'typescript',
  ): Promise<readonly unknown[]> =>
    addedFaults(
      (await syntax.faultsOf(before, languageId)) ?? [],
      before.split('\n'),
      (await syntax.faultsOf(after, languageId)) ?? [],
      after.split('\n'),
    );

  it('are told with their line', async () => {
    assert.deepEqual(await syntax.faultsOf('const a = 1;\n', 'typescript'), []);
    const missing = await syntax.faultsOf('function f() {\n  return 1;\n', 'typescript');
    assert.deepEqual(missing, [{ line: 1, message: '"}" is missing.' }]);
    const wrong = await syntax.faultsOf('def f():\n    return 1\n)\n', 'python');
    assert.deepEqual(wrong, [{ line: 2, message: '")" cannot stand here.' }]);
  });

  it('of a language without a grammar are not known', async () => {
    assert.equal(await syntax.faultsOf('((', 'haskell'), undefined);
    assert.equal(await syntax.faultsOf('((', 'nobody-knows'), undefined);
  });

  it('that were there before are not added', async () => {
    const broken = 'const a = ;\nconst b = 2;\n';
    assert.deepEqual(await added(broken, `// more\n${broken}`), []);
    assert.deepEqual(await added(broken, 'const a = 1;\nconst b = 2;\n'), []);
    const more = await added(broken, `${broken}const c = [1;\n`);
    assert.equal(more.length, 1);
    assert.deepEqual((more[0] as { line: number }).line, 2);
  });
});
