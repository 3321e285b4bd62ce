/** Changes since the last commit. */
import type { Uri } from 'vscode';
import { repositories } from './git';
import { shortened } from './shortened';

export interface Change {
  readonly repository: Uri;
  readonly staged: boolean;
  readonly diff: string;
}

/** Those that are not empty. */
export async function allChanges(): Promise<readonly Change[]> {
  const asked = (await repositories()).flatMap((repository) =>
    [false, true].map((staged) => ({ repository, staged })),
  );
  const found = await Promise.all(
    asked.map(async ({ repository, staged }) => ({
      ...{ repository: repository.rootUri, staged },
      diff: shortened(await repository.diff(staged).catch(() => '')), // it is in the middle of something
    })),
  );
  return found.filter(({ diff }) => diff.trim() !== '');
}
