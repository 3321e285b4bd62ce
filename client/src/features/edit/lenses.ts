/** What stands above a change and its parts: what it is, and what can be done with it. Titles say the lines, for those who hear them. */
import { CodeLens, l10n, Range } from 'vscode';
import { shownLineOf, shownLinesOf, type Part } from './review';
import type { EditSession } from './session';
import { linesLabel } from './target';

const phases: Readonly<Record<'loading' | 'waiting' | 'reading' | 'writing', () => string>> = {
  loading: () => l10n.t('Loading the model'),
  waiting: () => l10n.t('Waiting for the model'),
  reading: () => l10n.t('Reading'),
  writing: () => l10n.t('Writing'),
};

/** How far the model is, for people. */
export function progressText(session: EditSession): string {
  const { progress } = session;
  if (progress === undefined) {
    return l10n.t('Asking');
  }
  const { phase, share, tokens } = progress;
  const percent = Math.round(share * 100);
  return phase === 'writing'
    ? l10n.t('Writing: {0} tokens, about {1}%', tokens, percent)
    : phase === 'reading'
      ? `${phases[phase]()}: ${String(percent)}%`
      : phases[phase]();
}

/** What is wrong with what would be; '' = nothing, as far as is known. */
export function addedWords(messages: readonly string[]): string {
  const [first] = messages;
  if (first === undefined) {
    return '';
  }
  return messages.length === 1
    ? l10n.t('adds 1 error: {0}', first)
    : l10n.t('adds {0} errors, the first: {1}', messages.length, first);
}

export function problemsLabel(session: EditSession): string {
  return addedWords(session.openProblems.map(({ message }) => message));
}

function lens(
  line: number,
  title: string,
  command: string,
  session: EditSession,
  ...args: unknown[]
): CodeLens {
  const asked = { title, command: `niwaki.edit.${command}`, arguments: [session.uri.toString(), ...args] };
  return new CodeLens(new Range(line, 0, line, 0), asked);
}

function topLenses(session: EditSession): CodeLens[] {
  const line = shownLineOf(session.shown, session.range.start);
  const at = (title: string, command: string): CodeLens => lens(line, title, command, session);
  if (session.phase === 'asking') {
    return [
      at(`$(loading~spin) ${progressText(session)}`, 'focus'),
      at(`$(debug-stop) ${l10n.t('Stop')}`, 'stop'),
    ];
  }
  const open = session.openIds.length;
  const adds = session.openProblems.length;
  return [
    ...(session.problem === '' ? [] : [at(`$(warning) ${session.problem}`, 'focus')]),
    ...(adds === 0
      ? []
      : [
          at(
            `$(error) ${adds === 1 ? l10n.t('adds 1 error') : l10n.t('adds {0} errors', adds)}`,
            'nextError',
          ),
          at(l10n.t('Try again with the errors'), 'retryWithErrors'),
        ]),
    ...(open === 0 ? [] : [at(`$(check-all) ${l10n.t('Accept all ({0})', open)}`, 'acceptAll')]),
    ...(session.review.parts.length === 0
      ? [at(`$(close) ${l10n.t('Close')}`, 'rejectAll')]
      : [at(`$(close-all) ${l10n.t('Reject all')}`, 'rejectAll')]),
    at(`$(refresh) ${l10n.t('Try again…')}`, 'retry'),
    ...(open === 0 ? [] : [at(`$(diff) ${l10n.t('Side by side')}`, 'sideBySide')]),
  ];
}

function partLenses(session: EditSession, part: Part): CodeLens[] {
  const lines = shownLinesOf(session.shown, part.id);
  const line = lines?.start ?? 0;
  if (part.kind === 'lost') {
    const what = l10n.t('Changed meanwhile: this part fits no more');
    return [
      lens(line, `$(warning) ${what}`, 'focus', session),
      lens(line, l10n.t('Drop it'), 'rejectHunk', session, part.id),
    ];
  }
  const { lines: range } = part.hunk;
  const place =
    range.end > range.start ? linesLabel(range) : l10n.t('new lines before line {0}', range.start + 1);
  return [
    lens(line, `$(check) ${l10n.t('Accept the change: {0}', place)}`, 'acceptHunk', session, part.id),
    lens(line, `$(close) ${l10n.t('Reject')}`, 'rejectHunk', session, part.id),
  ];
}

export function lensesOf(session: EditSession): CodeLens[] {
  const parts = session.phase === 'asking' ? [] : session.review.parts;
  return [...topLenses(session), ...parts.flatMap((part) => partLenses(session, part))];
}
