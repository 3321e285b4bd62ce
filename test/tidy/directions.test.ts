/** Which room of native/ may include which (docs/ARCHITECTURE.md, "Directions"), and what the core must never do. */
import * as assert from 'node:assert/strict';
import { read, repositoryFiles } from './files';

/** Besides itself, base and niwaki (the public headers). */
const mayInclude: Readonly<Record<string, readonly string[]>> = {
  base: [],
  gguf: [],
  tokenizer: ['gguf'],
  quant: ['kernels'],
  kernels: ['quant'],
  kv: ['kernels', 'quant'],
  sample: [],
  model: ['kernels', 'quant', 'kv', 'gguf'],
  schedule: [],
  guide: [],
  guard: [],
  engine: ['model', 'sample', 'kv', 'kernels', 'quant', 'gguf', 'tokenizer'],
};

const cpp = repositoryFiles().filter((path) => path.startsWith('native/') && /\.(cc|h|inl)$/.test(path));
const isTest = (path: string): boolean => /(_test\.cc|_testing\.h|\/testing\.h)$/.test(path);

function includes(path: string): string[] {
  return [...read(path).matchAll(/^#include "([^"]+)"/gm)].map((match) => match[1] as string);
}

describe('tidy: directions in native/', () => {
  it('finds the sources', () => {
    assert.ok(cpp.length > 40, `only ${String(cpp.length)} files`);
  });

  it('includes only in the allowed directions', () => {
    const wrong = cpp
      .filter((path) => path.startsWith('native/src/') && !isTest(path))
      .flatMap((path) => {
        const room = path.split('/')[2] as string;
        const allowed = new Set([room, 'base', 'niwaki', ...(mayInclude[room] ?? [])]);
        return includes(path)
          .filter((include) => !allowed.has(include.split('/')[0] as string))
          .map((include) => `${path} includes ${include}`);
      });
    assert.deepEqual(wrong, []);
  });

  it('knows every room', () => {
    const rooms = new Set(
      cpp.filter((path) => path.startsWith('native/src/')).map((path) => path.split('/')[2] as string),
    );
    assert.deepEqual(
      [...rooms].filter((room) => !(room in mayInclude)),
      [],
    );
  });

  it('has napi.h in addon/ only', () => {
    const wrong = cpp.filter(
      (path) =>
        !path.startsWith('native/addon/') && /#include <(napi|node_api|js_native_api)\.h>/.test(read(path)),
    );
    assert.deepEqual(wrong, []);
  });

  it('has no third-party header: angle brackets are the standard library and the system', () => {
    const known = new Set(
      (
        'algorithm array atomic bit cerrno chrono climits cmath condition_variable cstddef cstdint cstdio cstdlib cstring deque exception functional future ' +
        'arm_neon.h immintrin.h pthread/qos.h dirent.h fcntl.h signal.h sys/file.h sys/mman.h sys/resource.h sys/stat.h sys/statvfs.h sys/syscall.h sys/sysctl.h sys/wait.h unistd.h windows.h cpuid.h intrin.h initializer_list limits map memory mutex new numeric ' +
        'numbers optional queue random set shared_mutex span sstream stdexcept string string_view system_error thread tuple type_traits unordered_map unordered_set utility variant vector ' +
        'sched.h pthread.h malloc.h time.h cctype csignal fstream iostream iterator list filesystem cassert cfloat'
      ).split(' '),
    );
    const ofTheGuard = new Set(
      'arpa/inet.h linux/filter.h linux/seccomp.h netinet/in.h sys/prctl.h sys/socket.h sys/un.h'.split(' '),
    );
    const wrong = cpp
      .filter((path) => path.startsWith('native/src/') || path.startsWith('native/include/'))
      .flatMap((path) =>
        [...read(path).matchAll(/^\s*#include <([^>]+)>/gm)]
          .map((match) => match[1] as string)
          .filter(
            (header) =>
              !known.has(header) && !(path.startsWith('native/src/guard/') && ofTheGuard.has(header)),
          )
          .map((header) => `${path} includes <${header}>`),
      );
    assert.deepEqual(wrong, []);
  });

  it('waits with a limit in one way, which every glibc has that releases are for', () => {
    const own = 'native/src/base/timed_condition.cc';
    const wrong = cpp.filter(
      (path) => path !== own && /(?:\.|->)(?:wait|try_lock|try_lock_shared)_(?:for|until)\(/.test(read(path)),
    );
    assert.deepEqual(wrong, []);
    assert.match(read(own), /\.wait_until\(/);
  });

  it('never prints, aborts or exits', () => {
    const forbidden =
      /\b(std::cout|std::cerr|std::clog|f?printf|puts|std::abort|abort|std::exit|exit|_exit|std::terminate|quick_exit|assert)\s*\(|<<\s*std::endl|\bstd::(cout|cerr|clog)\b/;
    const wrong = cpp
      .filter((path) => !isTest(path) && !path.startsWith('native/bench/'))
      .flatMap((path) =>
        read(path)
          .split('\n')
          .map((line, index) => ({ line: line.replace(/\/\/.*$/, '').replace(/static_assert/g, ''), index }))
          .filter(({ line }) => forbidden.test(line))
          .map(({ line, index }) => `${path}:${String(index + 1)}: ${line.trim()}`),
      );
    assert.deepEqual(wrong, []);
  });

  it('throws nowhere but in the addon', () => {
    const wrong = cpp.filter(
      (path) =>
        path.startsWith('native/src/') &&
        !isTest(path) &&
        /\bthrow\b(?!\()/.test(read(path).replace(/\/\/.*$/gm, '')),
    );
    assert.deepEqual(wrong, []);
  });
});
