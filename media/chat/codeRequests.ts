/** What has been asked for by buttons of code blocks, and what has become of it: said below the block. */
import type { Attachment } from '../../protocol/src/chat';
import type { CodeAction, HostMessage } from '../../protocol/src/chatPage';
import { element, iconButton } from './dom';
import { nextRequest, post, say } from './host';
import type { CodeBlock, CodeOfBlock } from './markdown/codeBlock';
import { visible } from './unseen';

const done = { copy: 'copied', insert: 'inserted', newFile: 'opened', apply: 'proposalOpen' } as const;

export class CodeRequests {
  private readonly asked = new Map<number, { readonly action: CodeAction; readonly block: CodeBlock }>();

  ask(
    action: CodeAction,
    { text, language, path }: CodeOfBlock,
    block: CodeBlock,
    attachments: readonly Attachment[],
  ): void {
    const request = nextRequest();
    this.asked.set(request, { action, block });
    post({ kind: 'code', request, action, text, language: language.slice(0, 200), path, attachments });
  }

  /** Whether the message was for a code block. */
  hear(message: HostMessage): boolean {
    if (message.kind === 'answer') {
      return this.answered(message.request, message.problem);
    }
    if (message.kind !== 'proposal') {
      return false;
    }
    const block = this.asked.get(message.request)?.block;
    const label = visible(message.label);
    switch (message.state) {
      case 'open':
        block?.say(
          say('proposalOpen', label),
          this.decision(message.request, 'accept'),
          this.decision(message.request, 'reject'),
        );
        break;
      case 'accepted':
        block?.say(say('proposalAccepted', label));
        break;
      case 'rejected':
        block?.say(say('proposalRejected', label));
        break;
      case 'stale':
        block?.say(say('proposalStale', label));
        break;
    }
    return true;
  }

  /** To the copying, inserting and opening, which are done at once. */
  answered(request: number, problem: string): boolean {
    const one = this.asked.get(request);
    if (one === undefined) {
      return false;
    }
    if (problem !== '') {
      one.block.say(visible(problem));
    } else if (one.action !== 'apply') {
      one.block.say(say(done[one.action]));
    }
    if (one.action !== 'apply' || problem !== '') {
      this.asked.delete(request);
    }
    return true;
  }

  private decision(request: number, what: 'accept' | 'reject'): HTMLElement {
    return what === 'accept'
      ? element(
          'vscode-button',
          {
            onclick: () => {
              post({ kind: 'decide', request, accept: true });
            },
          },
          say('accept'),
        )
      : iconButton('discard', say('reject'), () => {
          post({ kind: 'decide', request, accept: false });
        });
  }
}
