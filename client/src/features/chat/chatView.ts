/**
 * The chat as the extension host has it: the page in its view, what the page asks for, and what the server says. A bundle of its own, loaded when the
 * view is first shown. The page is thrown away when it is hidden and made anew when it is shown: it remembers what was not sent, the server all else.
 */
import type { Attachment, ChatModelState, SlashCommand } from '#protocol';
import { readPageMessage, type HostMessage, type PageCommand, type PageMessage } from '#protocol/chatPage';
import { attachments, slashCommand } from '#protocol/chatShapes';
import { flag, record, text } from '#protocol/shape';
import { randomBytes } from 'node:crypto';
import { commands, Disposable, env, l10n, Uri, type Webview, type WebviewView } from 'vscode';
import type { NiwakiContext } from '../../context';
import { messages } from '../../ui/messages';
import { activeAttachment, allowed, dropped, labelled, labelOf } from './attachments';
import { Candidates } from './candidates';
import { runCodeAction } from './codeActions';
import { writeCommitMessage } from './commitMessage';
import { Conversations } from './conversations';
import { questionAt } from './editorQuestions';
import type { AskedPlace } from './lightBulb';
import { follow } from './links';
import { askForNewFiles } from './newFilesAsked';
import { pageHtml } from './pageHtml';
import { pageTexts } from './pageTexts';
import { Proposals } from './proposals';

/** What another feature wants asked. */
interface Asked {
  readonly text: string;
  readonly command: ReturnType<typeof slashCommand> & string;
  readonly attachments: readonly Attachment[];
  readonly send: boolean;
}

/** Longer ones are not kept twice: the page itself has them as long as the window lives. */
const longestKept = 100_000;
const keptAs = 'niwaki.chat.page';

const asked = record<Asked>({ text: text(), command: slashCommand, attachments, send: flag });

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export class ChatView implements Disposable {
  private view: WebviewView | undefined;
  private pageReady = false;
  /** For a page that is not ready yet. */
  private waiting: HostMessage[] = [];
  private connected = false;
  /** The page that is being made is to take the focus. */
  private focusWanted = false;
  private readonly candidates = new Candidates();
  private readonly proposals: Proposals;
  private readonly conversations: Conversations;
  private readonly subscriptions: Disposable[];

  constructor(private readonly context: NiwakiContext) {
    this.conversations = new Conversations(context, (message) => {
      this.post(message);
    });
    this.proposals = new Proposals(
      (request, state, label) => {
        this.post({ kind: 'proposal', request, state, label });
      },
      (problem) => {
        this.post({ kind: 'notice', text: problem });
        void messages.warn(problem);
      },
    );
    this.subscriptions = [
      this.proposals,
      context.server.onChat((notice) => {
        if (notice.kind === 'event') {
          this.conversations.hear(notice.event);
        } else {
          this.postModel(notice.state);
        }
      }),
      context.server.onStatus((status) => {
        this.connectionChanged(status !== undefined);
      }),
    ];
  }

  resolve(view: WebviewView): void {
    const { extensionUri } = this.context.extension;
    const folder = Uri.joinPath(extensionUri, 'dist', 'chat');
    this.view = view;
    this.pageReady = false;
    view.webview.options = { enableScripts: true, enableCommandUris: false, localResourceRoots: [folder] };
    const subscription = view.webview.onDidReceiveMessage((value: unknown) => {
      const message = readPageMessage(value);
      if (message !== undefined) {
        void this.take(message);
      }
    });
    view.onDidDispose(() => {
      subscription.dispose();
      if (this.view === view) {
        this.view = undefined;
        this.pageReady = false;
      }
    });
    view.webview.html = this.html(view.webview, folder);
  }

  async newConversation(): Promise<void> {
    await this.reveal();
    this.focusWanted = !this.pageReady;
    await this.conversations.open('', true);
  }

  async look(at: 'list' | 'chat' | 'other'): Promise<void> {
    await this.reveal();
    this.focusWanted = !this.pageReady;
    this.post({ kind: 'look', at });
  }

  rename(): Promise<void> {
    return this.conversations.rename(this.conversations.current);
  }

  delete(): Promise<void> {
    return this.conversations.delete(this.conversations.current);
  }

  export(): Promise<void> {
    return this.conversations.export(this.conversations.current);
  }

  decide(accept: boolean): Promise<void> {
    return this.proposals.decide(accept);
  }

  /**
   * Asks in a new conversation: `{ text, command, attachments, send }`. Without `send`, and where it could not be sent, it stands in the input.
   * Anything else than such an object is a fault of the caller's.
   */
  async ask(value: unknown): Promise<void> {
    const question = asked(value);
    if (question === undefined) {
      throw new Error('niwaki.chat.ask takes { text, command, attachments, send }.');
    }
    const shown = await allowed(question.attachments);
    await this.reveal();
    await this.conversations.open('', true);
    const draft = { text: question.text, command: question.command, attachments: shown };
    // A question about what cannot be shown is not asked: the model would make something up.
    const left = question.attachments.length - shown.length;
    let problem = left === 0 ? '' : l10n.t('Not attached, because it is not in the workspace: {0}', left);
    if (question.send && left === 0) {
      problem = await this.conversations
        .send({ kind: 'send', request: 0, conversation: '', after: '', thinking: false, ...draft })
        .catch(reasonOf);
      if (problem === '') {
        return;
      }
    }
    this.post({ kind: 'compose', ...draft, labels: shown.map(labelOf), problem });
  }

  /** A question out of the editor. Without `send` it stands in the input. */
  async askAbout(command: SlashCommand | '', send: boolean, place: AskedPlace | undefined): Promise<void> {
    const about = await questionAt(command, place);
    await (about === undefined
      ? this.look('chat')
      : this.ask({ text: '', command, attachments: about, send }));
  }

  commitMessage(source: unknown): Promise<void> {
    return writeCommitMessage(this.context, source);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) {
      subscription.dispose();
    }
  }

  private html(webview: Webview, folder: Uri): string {
    const address = (name: string): string => webview.asWebviewUri(Uri.joinPath(folder, name)).toString();
    return pageHtml({
      language: env.language,
      nonce: randomBytes(16).toString('base64'),
      source: webview.cspSource,
      script: address('page.js'),
      style: address('page.css'),
      texts: JSON.stringify(pageTexts()),
      saved: this.context.extension.workspaceState.get<string>(keptAs, ''),
      title: l10n.t('Chat'),
    });
  }

  private post(message: HostMessage): void {
    if (this.pageReady && this.view !== undefined) {
      void this.view.webview.postMessage(message);
    } else if (message.kind === 'compose' || message.kind === 'look' || message.kind === 'notice') {
      this.waiting.push(message); // all else, a new page asks for
    }
  }

  private async reveal(): Promise<void> {
    await commands.executeCommand('niwaki.chat.focus');
  }

  private postModel(state: ChatModelState | null, problem = ''): void {
    this.post({ kind: 'model', state, problem });
  }

  private async take(message: PageMessage): Promise<void> {
    try {
      const problem = await this.run(message);
      if ('request' in message && problem !== undefined) {
        this.post({ kind: 'answer', request: message.request, problem });
      } else if (problem !== undefined && problem !== '') {
        this.post({ kind: 'notice', text: problem });
      }
    } catch (error) {
      // A server that has gone, mostly: what the user wrote is still in the page.
      this.context.log.warn(`chat, ${message.kind}: ${reasonOf(error)}`);
      this.failed(message, l10n.t('That could not be done: {0}', reasonOf(error)));
    }
  }

  private failed(message: PageMessage, problem: string): void {
    switch (message.kind) {
      case 'measure':
        this.post({ kind: 'measured', request: message.request, attachments: [], context: null });
        break;
      case 'candidates':
        this.post({ kind: 'candidates', request: message.request, items: [], note: problem });
        break;
      case 'list':
        this.post({ kind: 'list', request: message.request, conversations: [], notes: [], problem });
        break;
      case 'ready':
        this.connected = false;
        this.postModel(null, problem);
        break;
      default:
        this.post(
          'request' in message
            ? { kind: 'answer', request: message.request, problem }
            : { kind: 'notice', text: problem },
        );
    }
  }

  /** Returns the answer to a request, a problem or ''; undefined = it was answered in its own way. */
  private async run(message: PageMessage): Promise<string | undefined> {
    switch (message.kind) {
      case 'ready':
        await this.begin();
        return undefined;
      case 'keep':
        if (message.state.length <= longestKept) {
          await this.context.extension.workspaceState.update(keptAs, message.state);
        }
        return undefined;
      case 'send':
        return this.conversations.send(message);
      case 'stop':
      case 'regenerate':
      case 'continue':
      case 'select':
        return this.conversations.change(message);
      case 'measure':
        await this.measure(message);
        return undefined;
      case 'list':
        await this.list(message.request, message.search);
        return undefined;
      case 'open':
        await this.conversations.open(message.conversation, true);
        return '';
      case 'rename':
        await this.conversations.rename(message.conversation);
        return '';
      case 'delete':
        await this.conversations.delete(message.conversation);
        return '';
      case 'export':
        await this.conversations.export(message.conversation);
        return '';
      case 'candidates': {
        const found = await this.candidates.find(message.of, message.query);
        this.post({ kind: 'candidates', request: message.request, ...found });
        return undefined;
      }
      case 'attach': {
        const taken = this.candidates.take(message.key);
        await this.attach(message.request, taken === undefined ? [] : [taken], 0);
        return undefined;
      }
      case 'attachActive': {
        const active = await activeAttachment();
        await this.attach(message.request, active === undefined ? [] : [active], 0);
        return undefined;
      }
      case 'drop': {
        const { attachments: found, refused } = await dropped(message.uris);
        await this.attach(message.request, found, refused);
        return undefined;
      }
      case 'follow':
        return follow(message.target);
      case 'code':
        return runCodeAction(message, this.proposals);
      case 'decide':
        await this.proposals.decide(message.accept, message.request);
        return undefined;
      case 'run':
        await this.runCommand(message.command);
        return '';
      case 'newFiles':
        void askForNewFiles(message.text, message.attachments).then((again) => {
          if (again !== undefined) {
            this.post(again);
          }
        });
        return undefined;
    }
  }

  /** A page that has just been made. */
  private async begin(): Promise<void> {
    this.pageReady = true;
    const chat = await this.context.server.chat();
    this.connected = true;
    this.postModel(await chat.model());
    await this.conversations.restore(this.focusWanted);
    this.focusWanted = false;
    for (const message of this.waiting.splice(0)) {
      this.post(message);
    }
  }

  private async measure(message: Extract<PageMessage, { kind: 'measure' }>): Promise<void> {
    const { request, conversation, after, text: written, command } = message;
    const shown = await allowed(message.attachments);
    const chat = await this.context.server.chat();
    const measured = await chat.measure({ conversation, after, text: written, command, attachments: shown });
    this.post({ kind: 'measured', request, ...measured });
  }

  private async list(request: number, search: string): Promise<void> {
    const { conversations, notes } = await (await this.context.server.chat()).list(search);
    this.post({ kind: 'list', request, conversations, notes, problem: '' });
  }

  private async attach(request: number, found: readonly Attachment[], refused: number): Promise<void> {
    const shown = await allowed(found);
    const left = refused + found.length - shown.length;
    const problem = left === 0 ? '' : l10n.t('Not attached, because it is not in the workspace: {0}', left);
    this.post({ kind: 'attached', request, attachments: shown.map(labelled), problem });
  }

  /** A model that has been imported from here is for the chat. */
  private async runCommand(command: PageCommand): Promise<void> {
    if (command === 'showLog') {
      this.context.log.show();
      return;
    }
    const result = await commands.executeCommand<{ readonly id?: unknown } | undefined>(`niwaki.${command}`);
    if (command === 'importModel' && typeof result?.id === 'string') {
      const { problem } = await (await this.context.server.models()).setChatModel(result.id);
      this.post({ kind: 'notice', text: problem });
    }
  }

  /** The server has come, or gone. */
  private connectionChanged(there: boolean): void {
    const changed = there !== this.connected;
    this.connected = there;
    if (!this.pageReady || (there && !changed)) {
      return;
    }
    if (there) {
      this.begin().catch(() => {
        this.connected = false;
      });
    } else {
      const { givenUp, startRefusal } = this.context.server;
      const why = startRefusal === '' ? l10n.t('The log may say why.') : startRefusal;
      this.postModel(null, givenUp ? why : '');
    }
  }
}
