/** `/new`: what is wanted is handed to the feature that makes new files, which says itself what it does and what goes wrong. */
import type { Attachment } from '#protocol';
import type { HostMessage } from '#protocol/chatPage';
import { commands } from 'vscode';
import { allowed, labelOf, somethingIsGone } from './attachments';

/** What is to stand in the input again, where it was not taken up: nothing that was written or attached is lost. */
export async function askForNewFiles(
  request: string,
  attached: readonly Attachment[],
): Promise<HostMessage | undefined> {
  const attachments = await allowed(attached);
  let problem = attachments.length < attached.length ? somethingIsGone() : '';
  if (problem === '') {
    try {
      const asked = { request, folder: '', attachments };
      if (await commands.executeCommand<boolean>('niwaki.files.generate', asked)) {
        return undefined;
      }
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
  }
  return request === '' && attachments.length === 0 && problem === ''
    ? undefined
    : {
        ...{ kind: 'compose', text: `/new ${request}`, command: '', attachments },
        ...{ labels: attachments.map(labelOf), problem },
      };
}
