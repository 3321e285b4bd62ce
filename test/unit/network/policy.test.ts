/** The administrator's file: what it says, whom it belongs to, and that whatever is wrong with it makes it stricter. */
import { readPolicy, parsePolicy, policyPath } from '#server/network/index';
import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const strictest = { airGapped: true, downloads: false, endpoint: false };

describe('network: the policy file', () => {
  it('says what it takes away, and nothing else', () => {
    assert.deepEqual(parsePolicy('{"version":1}'), { airGapped: false, downloads: true, endpoint: true });
    assert.deepEqual(parsePolicy('\uFEFF{"version":1,"endpoint":false}'), {
      airGapped: false,
      downloads: true,
      endpoint: false,
    });
    for (const [text, why] of [
      ['', /no JSON/],
      ['[]', /no JSON object/],
      ['null', /no JSON object/],
      ['{}', /"version" has to be 1/],
      ['{"version":2}', /"version" has to be 1/],
      ['{"version":1,"downloads":"false"}', /"downloads" has to be true or false/],
      ['{"version":1,"airgapped":true}', /"airgapped" is not known/],
      ['{"version":1,"airGapped":true,"airGapped":false}', /"airGapped" twice/],
      ['{"version":1,"airGapped":true,"air\\u0047apped":false}', /backslash/],
      ['{"version":1,"__proto__":true}', /"__proto__" is not known/],
    ] as const) {
      assert.throws(() => parsePolicy(text), why, text);
    }
  });

  it('lies where administrators write', () => {
    assert.equal(policyPath('linux'), '/etc/niwaki/policy.json');
    assert.equal(policyPath('darwin'), '/Library/Application Support/Niwaki/policy.json');
    assert.equal(policyPath('win32', 'D:\\Data'), 'D:\\Data\\Niwaki\\policy.json');
  });

  describe('on disk', () => {
    let folder: string;
    let path: string;
    const me = process.getuid?.() ?? null;

    before(function () {
      if (me === null) {
        this.skip(); // files have no owner here that Node could tell
      }
    });

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'niwaki-policy-'));
      path = join(folder, 'policy.json');
    });

    afterEach(() => {
      rmSync(folder, { recursive: true, force: true });
    });

    /** Every folder above belongs to root: whoever else runs this is no administrator, and is told so. */
    const isRoot = me === 0;

    it('is absent where there is none', () => {
      assert.equal(readPolicy(path, me).state, 'absent');
      assert.equal(readPolicy(join(path, 'below'), me).state, 'absent');
    });

    it('is trusted where it belongs to the administrator, with every folder above it', function () {
      if (!isRoot) {
        this.skip();
      }
      writeFileSync(path, '{"version":1,"downloads":false}', { mode: 0o644 });
      const { state, values, problem } = readPolicy(path, me);
      assert.equal(state, 'trusted', problem);
      assert.deepEqual(values, { airGapped: false, downloads: false, endpoint: true });
      const link = join(folder, 'link.json');
      symlinkSync(path, link);
      assert.equal(readPolicy(link, me).state, 'trusted');
    });

    it('is the strictest where it is not trusted, and says why', () => {
      const untrusted = (why: RegExp): void => {
        const { state, values, problem } = readPolicy(path, me);
        assert.equal(state, 'untrusted');
        assert.deepEqual(values, strictest);
        assert.match(problem, why);
        assert.ok(problem.includes(path) && problem.includes('air-gapped'));
      };
      symlinkSync(join(folder, 'nowhere'), path);
      untrusted(/ENOENT/);
      rmSync(path);
      mkdirSync(path);
      untrusted(/EISDIR|no file/);
      rmSync(path, { recursive: true });
      writeFileSync(path, ' '.repeat(70_000));
      untrusted(/65536 bytes/);
      writeFileSync(path, '{"version":1}');
      chmodSync(path, 0o666);
      untrusted(/can be written by others/);
      chmodSync(path, 0o620);
      untrusted(/can be written by others/);
      chmodSync(path, 0o644);
      chmodSync(folder, 0o777);
      untrusted(/can be written by others|belongs to the user 0/);
      chmodSync(folder, 0o755);
      if (isRoot) {
        chownSync(path, 1000, 1000);
        untrusted(/belongs to the user 1000/);
        chownSync(path, 0, 0);
        chownSync(folder, 1000, 1000);
        untrusted(/belongs to the user 1000/);
      }
    });

    it('is not believed to be absent, nor a link, where others can take it away', function () {
      if (!isRoot) {
        this.skip();
      }
      const real = join(folder, 'real');
      const open = join(folder, 'open');
      mkdirSync(real);
      mkdirSync(open);
      chmodSync(open, 0o777);
      writeFileSync(join(real, 'policy.json'), '{"version":1}', { mode: 0o644 });
      assert.equal(readPolicy(join(open, 'policy.json'), me).state, 'untrusted');
      symlinkSync(join(real, 'policy.json'), join(open, 'policy.json'));
      assert.equal(readPolicy(join(open, 'policy.json'), me).state, 'untrusted');
      // A link of the administrator's to a folder of the administrator's is as good as the folder.
      symlinkSync(real, join(folder, 'link'));
      assert.equal(readPolicy(join(folder, 'link', 'policy.json'), me).state, 'trusted');
      assert.equal(readPolicy(join(folder, 'link', 'none.json'), me).state, 'absent');
      symlinkSync(open, join(folder, 'linkToOpen'));
      assert.equal(readPolicy(join(folder, 'linkToOpen', 'none.json'), me).state, 'untrusted');
    });

    it('does not wait for the other end of a pipe', function () {
      if (spawnSync('mkfifo', [path]).status !== 0) {
        this.skip(); // this system has no such program
      }
      const { state, problem } = readPolicy(path, me);
      assert.equal(state, 'untrusted');
      assert.match(problem, /no file/);
    });

    it('is the strictest where it makes no sense, and says why', function () {
      if (!isRoot) {
        this.skip();
      }
      writeFileSync(path, '{"version":1,', { mode: 0o644 });
      const { state, values, problem } = readPolicy(path, me);
      assert.equal(state, 'broken');
      assert.deepEqual(values, strictest);
      assert.match(problem, /no JSON/);
    });

    it('counts without an owner where files have none', () => {
      writeFileSync(path, '{"version":1,"endpoint":false}');
      const { state, values } = readPolicy(path, null);
      assert.equal(state, 'unchecked');
      assert.equal(values.endpoint, false);
    });
  });
});
