/** Models in words, for lists, messages and pages. */
import type { KnownModel, ListedModel } from '#protocol';
import type * as vscode from 'vscode';
import { formatBytes } from './numbers';
import { plainText } from './plainText';

/** VS Code's texts, handed in: these functions are tested without it. */
export type Texts = Pick<typeof vscode.l10n, 't'>;

/** '' for a model that nobody knows, unless that is to be said. */
export function knownInWords(l10n: Texts, { match, name }: KnownModel): string {
  switch (match) {
    case 'exact':
      return l10n.t('Verified when it was imported: the SHA-256 is that of {0}', name);
    case 'claims':
      return l10n.t('Says that it is {0}; nothing proves it', name);
    case 'unknown':
      return l10n.t('Not in the catalogue of known models');
  }
}

export function kindInWords(l10n: Texts, { kind }: ListedModel): string {
  switch (kind) {
    case 'embedded':
      return l10n.t('built in');
    case 'copy':
      return l10n.t('copy');
    case 'reference':
      return l10n.t('reference');
  }
}

export function rolesInWords(l10n: Texts, { roles }: ListedModel): string[] {
  return roles.map((role) => (role === 'completion' ? l10n.t('completions') : l10n.t('chat')));
}

/** In a list: name, what it is, and where it lies or what is wrong with it. */
export function modelItem(
  l10n: Texts,
  model: ListedModel,
): { readonly label: string; readonly description: string; readonly detail: string } {
  const about = [kindInWords(l10n, model), formatBytes(model.bytes), ...rolesInWords(l10n, model)];
  const embedded = model.kind === 'embedded';
  return {
    label: `${model.problem === '' ? '' : '$(warning) '}${embedded ? l10n.t('Built-in model') : plainText(model.name)}`,
    description: about.join(' · '),
    detail: embedded
      ? l10n.t('Small and quick; completes ends of lines')
      : model.problem !== ''
        ? plainText(model.problem)
        : `${knownInWords(l10n, model.known)} · ${model.path}`,
  };
}
