/**
 * What strace has seen of a language server, and what is wrong with it by invariant 1: a socket was made or connected, or something
 * was said or heard before the filter was there. Plain JavaScript, because both TypeScript suites and the real-keyboard tests read it.
 */
import { spawnSync } from 'node:child_process';

/** What a traced server is watched for; its writes, because none may come before the filter. `-yy` says what a descriptor is. */
const watched = [
  '%network',
  'seccomp',
  'execve',
  'read',
  'write',
  'writev',
  'readv',
  'io_uring_setup',
  'io_uring_enter',
];

/** `strace` as a prefix of a command; it stays in the background (-D), so that the command keeps its process id. */
export function straceCommand(file) {
  return [
    'strace',
    '-DDD',
    '-f',
    '-qq',
    '-yy',
    '-s',
    '64',
    '-e',
    'signal=none',
    '-e',
    `trace=${watched.join(',')}`,
    '-o',
    file,
  ];
}

/** '' where strace can be used; installs it where nobody has to be asked. Otherwise a sentence that says why not. */
export function straceProblem() {
  if (process.platform !== 'linux') {
    return 'strace traces Linux only';
  }
  const traces = () => spawnSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' }).status === 0;
  if (traces()) {
    return '';
  }
  if (process.getuid() === 0 && spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('apt-get', ['update'], { stdio: 'ignore', env });
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'strace'], { stdio: 'ignore', env });
  }
  return traces()
    ? ''
    : 'strace is not there, or may not trace; on Debian or Ubuntu: sudo apt-get install strace';
}

/**
 * The calls of a trace in the order in which they were entered: `{ pid, name, text, result }`. A call that another thread interrupted
 * in the file is put together again; result '' = it had not come back when the trace ended.
 */
export function readTrace(trace) {
  const calls = [];
  const unfinished = new Map();
  for (const line of trace.split('\n')) {
    const resumed = /^(\d+) +<\.\.\. (\w+) resumed>(.*)$/.exec(line);
    if (resumed !== null) {
      const call = unfinished.get(`${resumed[1]} ${resumed[2]}`);
      if (call !== undefined) {
        unfinished.delete(`${resumed[1]} ${resumed[2]}`);
        call.text += resumed[3];
        call.result = resultOf(call.text);
      }
      continue;
    }
    const begun = /^(\d+) +(\w+)\((.*)$/.exec(line);
    if (begun === null) {
      continue;
    }
    const [, pid, name, rest] = begun;
    const call = { pid: Number(pid), name, text: rest.replace(/ <unfinished \.\.\.>$/, ''), result: '' };
    if (rest.endsWith('<unfinished ...>')) {
      unfinished.set(`${pid} ${name}`, call);
    } else {
      call.result = resultOf(rest);
    }
    calls.push(call);
  }
  return calls;
}

/** '0', '5', '-1 EACCES', '?'. */
function resultOf(text) {
  return /\) += (-?\w+(?: E[A-Z]+)?|\?)[^=]*$/.exec(text)?.[1] ?? '';
}

const succeeded = ({ result }) => /^\d/.test(result);
const isFilter = ({ name, text }) => name === 'seccomp' && text.startsWith('SECCOMP_SET_MODE_FILTER');
/** strace shows a filter as its length and its address; the one against rings, which may come first, is the short one. */
const longestRingFilter = 20;
const isNetworkFilter = (call) =>
  isFilter(call) && Number(/len=(\d+)/.exec(call.text)?.[1]) > longestRingFilter;
/** The channel to the editor is a local socket (IPC), or standard input and output. */
const isChannel = ({ name, text }) =>
  (/^(read|write)v?$/.test(name) && /^([01]<|\d+<UNIX)/.test(text)) ||
  (/^(recv|send)/.test(name) && /^\d+<UNIX/.test(text));

/**
 * The faults of a server's trace, as sentences; none = it was shut off before it did anything, and it and its children never made,
 * connected or addressed a socket. The filter's own trial asks for a family that no kernel has and counts for nothing.
 */
export function faultsOf(calls) {
  const faults = [];
  const filter = calls.findIndex((call) => isNetworkFilter(call) && succeeded(call));
  if (filter < 0) {
    faults.push('no filter was installed');
  } else if (!calls[filter].text.includes('SECCOMP_FILTER_FLAG_TSYNC')) {
    faults.push('the filter was not put on all threads');
  }
  const early = calls
    .slice(0, filter < 0 ? calls.length : filter)
    .filter((call) => isChannel(call) && succeeded(call));
  if (early.length > 0) {
    faults.push(`before the filter: ${shown(early[0])}`);
  }
  for (const call of calls) {
    const isTrial = call.name === 'socket' && /^(0xff|255)/.test(call.text);
    const opens = [
      'socket',
      'connect',
      'bind',
      'listen',
      'accept',
      'accept4',
      'sendmsg',
      'sendmmsg',
    ].includes(call.name);
    const addressed = call.name === 'sendto' && !/, NULL, 0\)/.test(call.text);
    const pair = call.name === 'socketpair' && !/^AF_UNIX, SOCK_STREAM/.test(call.text);
    if (!isTrial && (opens || addressed || pair)) {
      faults.push(`${succeeded(call) ? 'happened' : 'was tried'}: ${shown(call)}`);
    }
    if (call.name === 'io_uring_enter' && filter >= 0 && calls.indexOf(call) > filter && succeeded(call)) {
      faults.push(`a ring after the filter: ${shown(call)}`);
    }
  }
  return faults;
}

const shown = ({ pid, name, text }) => `${pid} ${name}(${text.slice(0, 120)}`;
