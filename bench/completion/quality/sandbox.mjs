/**
 * Runs programs that a model has written part of, a child each. What keeps them from doing harm (Linux):
 *
 *   processor time, memory, file sizes and open files are limited (prlimit): nothing can be written to a file
 *   a network of its own without any interface, where the system allows that (unshare)
 *   Python: isolated (-I), and an audit hook that refuses to open files for writing, to change the file system, to start processes and
 *     to open sockets; node: its permission model, which allows no file system, no child processes and no threads beside it
 *   an empty environment, an empty folder, nothing on standard input, and at most so much time by the clock
 *
 * Not a jail for programs that were written to break out: the suggestions of a small model, a line or a few, are none.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const limits = { seconds: 3, bytes: 1 << 30, files: 64 };
/** On a busy machine the clock runs faster than the processor's time. */
const clockMs = 30_000;

const runs = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** Runs before the program. `open` is refused unless it only reads; the rest by the names of what Python says that it is about to do. */
const pythonGuard = `
import sys
def _guard():
    import os
    refused = ('os.', 'shutil.', 'socket.', 'subprocess.', 'ctypes.', 'signal.', 'resource.', 'fcntl.', 'mmap.', 'pty.', 'tempfile.')
    allowed = ('os.listdir', 'os.scandir', 'os.walk', 'os.fwalk')
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
    def hook(event, args):
        if event == 'open':
            mode, flags = args[1], args[2]
            if (isinstance(mode, str) and any(c in mode for c in 'wax+')) or (isinstance(flags, int) and flags & writing):
                raise PermissionError(event)
        elif event.startswith(refused) and event not in allowed:
            raise PermissionError(event)
    sys.addaudithook(hook)
_guard()
del _guard
`;

/** A failed console.assert only prints; here it ends the program. */
const nodeGuard = `console.assert = (holds) => { if (!holds) { process.exit(1); } };\n`;

function permissionFlag() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 5) ? '--permission' : '--experimental-permission';
}

function findPython() {
  const found = spawnSync('python3', ['-I', '-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

export class Sandbox {
  #before;
  #python;

  constructor() {
    if (process.platform !== 'linux' || !runs('prlimit', ['--version'])) {
      throw new Error('programs are only run where their means can be limited (Linux, prlimit)');
    }
    const apart = [['-n'], ['-r', '-n']].find((flags) => runs('unshare', [...flags, 'true']));
    this.hasNoNetwork = apart !== undefined;
    this.#before = apart === undefined ? [] : ['unshare', ...apart];
    this.#python = findPython();
  }

  get hasPython() {
    return this.#python !== undefined;
  }

  /** Whether the program ends without an error. */
  python(program) {
    return this.#run(
      [this.#python, '-I', '-B', '-c', `${pythonGuard}\n${program}`],
      [`--as=${limits.bytes}`],
    );
  }

  /** The same in JavaScript. Its memory is limited by its own engine, which reserves far more address space than it uses. */
  javascript(program) {
    const flags = [permissionFlag(), '--no-warnings', `--max-old-space-size=${limits.bytes >> 22}`];
    return this.#run([process.execPath, ...flags, '-e', nodeGuard + program], []);
  }

  #run(command, more) {
    const { seconds, files } = limits;
    const limited = [
      ...['prlimit', `--cpu=${seconds}`, '--fsize=0', `--nofile=${files}`, '--core=0', ...more],
      ...command,
    ];
    const [program, ...args] = [...this.#before, ...limited];
    const cwd = mkdtempSync(join(tmpdir(), 'niwaki-run-'));
    return new Promise((resolve) => {
      // In a group of its own, so that nothing of it is left.
      const child = spawn(program, args, { cwd, env: {}, stdio: 'ignore', detached: true });
      const timer = setTimeout(() => {
        process.kill(-child.pid, 'SIGKILL');
      }, clockMs);
      const end = (ok) => {
        clearTimeout(timer);
        rmSync(cwd, { recursive: true, force: true });
        resolve(ok);
      };
      child.on('error', () => end(false));
      child.on('exit', (code) => end(code === 0));
    });
  }
}
