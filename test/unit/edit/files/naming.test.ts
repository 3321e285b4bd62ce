import { strict as assert } from 'node:assert';
import { asNamed, namingInWords, namingOf } from '#server/edit/files/naming';

describe('edit/files: naming', () => {
  it('takes a style where nearly all names of several words have it', () => {
    const style = (names: string[]): string | undefined => namingOf(names, names).style;
    assert.equal(style(['user-list.ts', 'user-item.ts', 'app-shell.ts', 'util.ts']), 'kebab');
    assert.equal(style(['user_list.py', 'user_item.py', 'app_shell.py']), 'snake');
    assert.equal(style(['userList.ts', 'userItem.ts', 'appShell.test.ts']), 'camel');
    assert.equal(style(['UserList.tsx', 'UserItem.tsx', 'AppShell.tsx']), 'pascal');
    assert.equal(style(['user-list.ts', 'userItem.ts', 'app-shell.ts']), undefined);
    assert.equal(style(['user-list.ts', 'app-shell.ts', 'main.ts']), undefined, 'too few to be sure');
  });

  it('applies what is sure, and nothing else', () => {
    const kebab = namingOf(
      ['user-list.ts', 'user-item.ts', 'app-shell.ts'],
      ['src/user-list.ts', 'src/user-item.ts', 'src/app-shell.ts', 'test/a.spec.ts', 'test/b.spec.ts'],
    );
    const named = (path: string): string => asNamed(path, kebab);
    assert.equal(named('src/userStore.ts'), 'src/user-store.ts');
    assert.equal(named('src/UserStore.test.ts'), 'src/user-store.spec.ts');
    assert.equal(named('src/user_store.js'), 'src/user-store.ts');
    assert.equal(named('src/store.ts'), 'src/store.ts');
    assert.equal(named('src/index.ts'), 'src/index.ts');
    assert.equal(named('README.md'), 'README.md');
    assert.equal(named('eslintRules.config.js'), 'eslintRules.config.js');
    assert.equal(named('src/.hiddenFile.ts'), 'src/.hiddenFile.ts');
    assert.equal(named('HTTPServer.ts'), 'HTTPServer.ts', 'an abbreviation is no style');
    assert.equal(
      namingInWords(kebab),
      'Files here are named in kebab-case. Names of tests end with .spec before the extension.',
    );
  });

  it('leaves alone names that tools look for', () => {
    const names = ['user_list.py', 'user_item.py', 'app_shell.py'];
    const snake = namingOf(names, names);
    assert.equal(asNamed('userStore.py', snake), 'user_store.py');
    for (const name of ['docker-compose.yml', 'package-lock.json', 'requirements-dev.txt', 'pre-commit.sh']) {
      assert.equal(asNamed(name, snake), name);
    }
  });

  it('says nothing where nothing is known, or names differ', () => {
    const none = namingOf([], ['a.js', 'b.ts', 'x.test.ts', 'y.spec.ts']);
    assert.equal(namingInWords(none), '');
    assert.equal(asNamed('src/userStore.test.js', none), 'src/userStore.test.js');
  });

  it('leaves tests’ own words alone where there is no doubt-free mark', () => {
    const python = namingOf(['a_test.py', 'b_test.py'], ['a_test.py', 'b_test.py']);
    assert.equal(asNamed('c.test.py', python), 'c_test.py');
    assert.equal(asNamed('c.py', python), 'c.py');
  });
});
