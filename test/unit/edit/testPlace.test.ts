import { strict as assert } from 'node:assert';
import { testPlaceOf } from '#server/edit/testPlace';

describe('edit/testPlace', () => {
  const place = (path: string, ...files: string[]): readonly unknown[] => {
    const found = testPlaceOf(path, [path, ...files]);
    return [found?.path, found?.exists, found?.example];
  };

  it('is the file that tests it already, wherever that is', () => {
    assert.deepEqual(place('src/a.ts', 'src/a.test.ts', 'src/b.ts'), [
      'src/a.test.ts',
      true,
      'src/a.test.ts',
    ]);
    assert.deepEqual(place('src/x/a.ts', 'test/x/a.spec.ts'), ['test/x/a.spec.ts', true, 'test/x/a.spec.ts']);
    const mirrored = place('server/src/x/a.ts', 'test/unit/y/a.test.ts', 'test/unit/x/a.test.ts');
    assert.deepEqual(mirrored, ['test/unit/x/a.test.ts', true, 'test/unit/x/a.test.ts']);
    const other = place('src/a/index.ts', 'src/b/index.ts', 'src/b/index.test.ts', 'test/c/index.test.ts');
    assert.deepEqual(
      other,
      ['src/a/index.test.ts', false, 'src/b/index.test.ts'],
      'of another file of that name',
    );
    assert.deepEqual(place('pkg/a.py', 'tests/test_a.py'), ['tests/test_a.py', true, 'tests/test_a.py']);
  });

  it('is beside the file where others have it so, with their mark', () => {
    assert.deepEqual(place('src/a.ts', 'src/b.ts', 'src/b.spec.ts'), [
      'src/a.spec.ts',
      false,
      'src/b.spec.ts',
    ]);
    assert.deepEqual(place('a/b/c.go', 'a/x.go', 'a/x_test.go'), ['a/b/c_test.go', false, 'a/x_test.go']);
    assert.deepEqual(place('src/a.cc', 'src/b.h', 'src/b_test.cc'), [
      'src/a_test.cc',
      false,
      'src/b_test.cc',
    ]);
  });

  it('is in a folder beside it, or in a tree that mirrors the sources', () => {
    const folder = place('src/u/a.ts', 'src/v/b.ts', 'src/v/__tests__/b.test.ts');
    assert.deepEqual(folder, ['src/u/__tests__/a.test.ts', false, 'src/v/__tests__/b.test.ts']);
    const tree = place('server/src/u/a.ts', 'server/src/v/b.ts', 'test/unit/v/b.test.ts');
    assert.deepEqual(tree, ['test/unit/u/a.test.ts', false, 'test/unit/v/b.test.ts']);
    const python = place('app/deep/a.py', 'app/deep/b.py', 'tests/deep/test_b.py');
    assert.deepEqual(python, ['tests/deep/test_a.py', false, 'tests/deep/test_b.py']);
    const java = place('src/main/java/p/A.java', 'src/main/java/q/B.java', 'src/test/java/q/BTest.java');
    assert.deepEqual(java, ['src/test/java/p/ATest.java', false, 'src/test/java/q/BTest.java']);
  });

  it('goes by what tests there are where none belongs to a file of its name, and by what is usual where there are none', () => {
    assert.deepEqual(place('src/a.js', 'test/all.test.js'), ['test/a.test.js', false, 'test/all.test.js']);
    assert.deepEqual(place('src/a.ts', 'src/b.ts'), ['src/a.test.ts', false, '']);
    assert.deepEqual(place('pkg/a.py'), ['tests/test_a.py', false, '']);
    assert.deepEqual(place('a/b.go'), ['a/b_test.go', false, '']);
    assert.deepEqual(place('src/main/java/p/A.java'), ['src/test/java/p/ATest.java', false, '']);
    assert.deepEqual(
      place('pkg/a.py', 'web/x.test.ts'),
      ['tests/test_a.py', false, ''],
      'of another language',
    );
  });

  it('is nowhere for a file of tests', () => {
    assert.equal(testPlaceOf('src/a.test.ts', []), undefined);
    assert.equal(testPlaceOf('tests/test_a.py', []), undefined);
    assert.equal(testPlaceOf('Makefile', []), undefined);
  });
});
