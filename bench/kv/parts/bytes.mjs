/** What the cache of the 8B shape holds with 32,768 tokens in it: by its own account, and by what the process has grown by. */
import { runProgram } from '../program.mjs';

const mib = (bytes) => bytes / 2 ** 20;

export async function bytes({ program, threads, quick }, report) {
  const rows = [];
  for (const codec of quick ? ['kv4'] : ['f16', 'kv8', 'kv4', 'kv43', 'kv3']) {
    rows.push(await runProgram(program, 'bytes', { codec, threads, tokens: 32_768 }));
  }
  report.tables.bytes = { rows };
  const { allocated, resident, formulaF16 } = rows.find(({ codec }) => codec === 'kv4');
  report.bar(
    'bytes-8b-32k',
    mib(Math.max(allocated, resident)),
    `the cache says ${mib(allocated).toFixed(1)}, the process has grown by ${mib(resident).toFixed(1)}; ` +
      `fp16: ${mib(formulaF16).toFixed(0)}`,
  );
}
