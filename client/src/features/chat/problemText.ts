/** Diagnostics as text, a line each, for a model and for people: `src/a.ts:3:7 error ts(2345): message`. */
import { DiagnosticSeverity, type Diagnostic, type Uri } from 'vscode';
import { nameOf } from '../../insideWorkspace';

const mostProblems = 200;

const severities: Readonly<Record<DiagnosticSeverity, string>> = {
  [DiagnosticSeverity.Error]: 'error',
  [DiagnosticSeverity.Warning]: 'warning',
  [DiagnosticSeverity.Information]: 'note',
  [DiagnosticSeverity.Hint]: 'hint',
};

function codeOf({ code, source }: Diagnostic): string {
  const value = typeof code === 'object' ? code.value : code;
  return value === undefined ? (source ?? '') : `${source ?? ''}(${String(value)})`;
}

/** Lines and columns count from 1, as people count them. */
function problemText(uri: Uri, problem: Diagnostic): string {
  const { line, character } = problem.range.start;
  const what = [severities[problem.severity], codeOf(problem)].filter((word) => word !== '').join(' ');
  return `${nameOf(uri)}:${String(line + 1)}:${String(character + 1)} ${what}: ${problem.message.replaceAll(/\s*\n\s*/g, ' ')}`;
}

/** Of several files. What is too much is counted. */
export function problemsText(all: readonly (readonly [Uri, readonly Diagnostic[]])[]): string {
  const lines = all.flatMap(([uri, list]) => list.map((one) => problemText(uri, one)));
  const left = lines.length - mostProblems;
  const more = left > 0 ? [`(${String(left)} more are not shown.)`] : [];
  return [...lines.slice(0, mostProblems), ...more].join('\n');
}
