/** The texts of the chat's page, which the extension host gives it in the user's language. */

/** Names of texts; {0}, {1}, … in a text are filled in by the page. */
export const textNames = [
  ...['you', 'niwaki', 'conversation', 'empty', 'emptyHint'],
  ...['input', 'inputHint', 'inputEdit', 'send', 'stop', 'cancelEdit', 'addContext', 'think', 'thinkHint'],
  ...['edit', 'regenerate', 'continue', 'copyMessage', 'older', 'newer', 'versionOf', 'toEnd'],
  ...['thinking', 'thought', 'stopped', 'cut', 'interrupted', 'failed'],
  ...['begun', 'done', 'doneStopped', 'doneFailed', 'copied', 'inserted', 'opened'],
  ...['phaseLoading', 'phaseWaiting', 'phaseSummarising', 'phaseReading', 'phaseWriting', 'reading'],
  ...['speed', 'tokensOf', 'summarised', 'overBudget', 'figures'],
  ...['code', 'copyCode', 'insertCode', 'newFileCode', 'applyCode', 'accept', 'reject', 'proposalOpen'],
  ...['proposalAccepted', 'proposalRejected', 'proposalStale'],
  ...['context', 'removeContext', 'chipTokens', 'chipPart', 'chipNone', 'files'],
  ...[
    'explain',
    'fix',
    'tests',
    'doc',
    'commit',
    'newFiles',
    'file',
    'folder',
    'selection',
    'symbol',
    'problems',
    'changes',
  ],
  ...['suggestions', 'looking', 'nothingFound'],
  ...['conversations', 'search', 'noConversations', 'nothingMatches', 'back', 'rename', 'delete', 'export'],
  ...['messages', 'busy', 'unnamed'],
  ...['noModel', 'noModelWhy', 'importModel', 'manageModels', 'modelFailed', 'serverGone', 'restart'],
  ...['showLog', 'asleep', 'loading', 'starting', 'unseenHint', 'webLink', 'fileLink', 'dismiss'],
] as const;

export type TextName = (typeof textNames)[number];
export type PageTexts = Readonly<Record<TextName, string>>;

/** From JSON; what is missing is shown by its name. */
export function readTexts(json: string): PageTexts {
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch {
    given = null;
  }
  const source = typeof given === 'object' && given !== null ? given : {};
  return Object.fromEntries(
    textNames.map((name) => {
      const found: unknown = Object.hasOwn(source, name)
        ? (source as Record<string, unknown>)[name]
        : undefined;
      return [name, typeof found === 'string' ? found : name];
    }),
  ) as PageTexts;
}
