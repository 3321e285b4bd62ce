/** What is used of the API that VS Code's own git extension offers to others (version 1). */
import { extensions, type Uri } from 'vscode';

export interface GitRepository {
  readonly rootUri: Uri;
  readonly inputBox: { value: string };
  readonly ui: { readonly selected: boolean };
  /** `cached`: what is staged. */
  diff(cached?: boolean): Promise<string>;
  log(options: { readonly maxEntries: number }): Promise<readonly { readonly message: string }[]>;
}

interface GitExtension {
  readonly enabled: boolean;
  getAPI(version: 1): { readonly repositories: readonly GitRepository[] };
}

/** [] where git is switched off, or not there. */
export async function repositories(): Promise<readonly GitRepository[]> {
  const git = extensions.getExtension<GitExtension>('vscode.git');
  if (git === undefined) {
    return [];
  }
  try {
    const exported = git.isActive ? git.exports : await git.activate();
    return exported.enabled ? exported.getAPI(1).repositories : [];
  } catch {
    return [];
  }
}
