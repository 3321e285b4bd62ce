/**
 * Stands in for the language server in tests of the chat's view: speaks the protocol, keeps conversations in a file, and says what a script says. The
 * script is a JSON file, named by NIWAKI_CHAT_SCRIPT and read anew with every message: `[{ match, text, thinking, delayMs, problem }]`, the first whose
 * `match` is in the question counts.
 */
import {
  ChatEventNotification,
  ChatModelRequest,
  ContinueAnswerRequest,
  DeleteConversationRequest,
  ExportConversationRequest,
  ListConversationsRequest,
  MeasureMessageRequest,
  OpenConversationRequest,
  RegenerateRequest,
  RenameConversationRequest,
  SelectVersionRequest,
  SendMessageRequest,
  StatusNotification,
  StatusRequest,
  StopAnswerRequest,
  type Attachment,
  type ChatEvent,
  type ChatModelState,
  type ServerStatus,
  type ShownAttachment,
} from '#protocol';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createConnection, ProposedFeatures, TextDocumentSyncKind } from 'vscode-languageserver/node';
import { Conversations, type Stored } from './conversations';

interface Line {
  readonly match: string;
  readonly text: string;
  readonly thinking?: string;
  /** Before each piece of text. */
  readonly delayMs?: number;
  /** It is refused, with this sentence. */
  readonly problem?: string;
}

const pieceLength = 12;

const connection = createConnection(ProposedFeatures.all);
const scriptFile = process.env['NIWAKI_CHAT_SCRIPT'] ?? '';
mkdirSync(dirname(scriptFile), { recursive: true });
const conversations = new Conversations(`${scriptFile}.conversations.json`);
/** Ends the answer of a conversation. */
const stops = new Map<string, () => void>();

function scriptFor(text: string): Line {
  const script = JSON.parse(readFileSync(scriptFile, 'utf8')) as readonly Line[];
  return script.find(({ match }) => text.includes(match)) ?? { match: '', text: `You said: ${text}` };
}

const zero = { reused: 0, shared: 0, restored: 0, shifted: 0, computed: 0, evicted: 0 };

const status: ServerStatus = {
  ...{
    pid: process.pid,
    state: 'ready',
    model: 'scripted',
    embedded: false,
    kernels: '',
    threads: 1,
    quiet: false,
  },
  memory: { weights: 0, kv: 0, scratch: 0, process: 0 },
  ...{ jobs: [], tokensPerSecond: 0, problem: '' },
  counters: {
    ...{ requests: 0, runs: 0, typedAlong: 0, cancelled: 0, tokensReused: 0, tokensEvaluated: 0 },
    ...{ tokensWarmed: 0, tokensDecoded: 0 },
  },
  kvTokens: { completion: zero, chat: zero, agent: zero, other: zero },
};

function model(): ChatModelState {
  const script = JSON.parse(readFileSync(scriptFile, 'utf8')) as readonly Line[];
  const none = script.some(({ match }) => match === 'no model');
  return {
    state: none ? 'none' : 'ready',
    name: 'Scripted 1B',
    problem: '',
    contextTokens: 8192,
    canThink: true,
  };
}

function say(event: ChatEvent): void {
  void connection.sendNotification(ChatEventNotification.type, event);
}

function changed(of: Stored): void {
  conversations.save();
  say({ kind: 'changed', conversation: conversations.view(of) });
}

function shown(attachment: Attachment): ShownAttachment {
  const name = attachment.uri.split('/').at(-1) ?? '';
  const lines =
    'startLine' in attachment ? `:${String(attachment.startLine + 1)}-${String(attachment.endLine)}` : '';
  const tokens = 'text' in attachment ? Math.ceil(attachment.text.length / 4) : 42;
  return {
    attachment,
    label: name + lines,
    tokens,
    wholeTokens: tokens,
    shown: 'whole',
    reason: '',
    files: [],
  };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Writes the rest of an answer, a piece at a time. */
async function write(of: Stored, message: string, line: Line, from: string): Promise<void> {
  let stopped = false;
  const ended = new Promise<void>((resolve) => {
    stops.set(of.id, () => {
      stopped = true;
      resolve();
    });
  });
  const wait = (): Promise<void> => Promise.race([sleep(line.delayMs ?? 5), ended]);
  say({ kind: 'progress', id: of.id, message, phase: 'reading', share: 0.43 });
  await Promise.race([sleep((line.delayMs ?? 5) * 20), ended]);
  const parts = [
    ['thinking', from === '' ? (line.thinking ?? '') : ''],
    ['text', line.text.slice(from.length)],
  ] as const;
  let tokens = 0;
  for (const [part, all] of parts) {
    const begin = part === 'text' ? from.length : 0;
    for (let at = 0; at < all.length && !isStopped(); at += pieceLength) {
      const text = all.slice(at, at + pieceLength);
      tokens += 3;
      conversations.change(of, message, {
        [part]: (part === 'text' ? from : '') + all.slice(0, at + pieceLength),
      });
      say({ kind: 'text', id: of.id, message, part, at: begin + at, text, tokens, speed: 20 });
      conversations.save();
      await wait();
    }
  }
  stops.delete(of.id);
  conversations.change(of, message, {
    state: isStopped() ? 'stopped' : 'done',
    figures: { evaluatedTokens: 10, reusedTokens: 20, answerTokens: tokens, prefillMs: 5, decodeMs: 1_000 },
  });
  changed(of);

  function isStopped(): boolean {
    return stopped;
  }
}

const blank = { thinking: '', command: '' as const, attachments: [], problem: '', figures: null };

function answer(of: Stored, question: string): void {
  const line = scriptFor(of.nodes[question]?.message.text ?? '');
  const { id } = conversations.add(of, question, { ...blank, role: 'assistant', text: '', state: 'writing' });
  changed(of);
  void write(of, id, line, '');
}

const gone = { problem: 'There is no such conversation.' };

connection.onInitialize(() => ({ capabilities: { textDocumentSync: TextDocumentSyncKind.Incremental } }));
connection.onInitialized(() => {
  void connection.sendNotification(StatusNotification.type, status);
});
connection.onRequest(StatusRequest.type, () => status);
connection.onRequest(ChatModelRequest.type, model);
connection.onRequest(ListConversationsRequest.type, ({ search }) => ({
  conversations: conversations.list
    .filter((one) => JSON.stringify(one).toLowerCase().includes(search.toLowerCase()))
    .map((one) => {
      const { id, title, updatedAt, messages, busy } = conversations.view(one);
      return { id, title, updatedAt, messages, busy };
    }),
  notes: [],
}));
connection.onRequest(OpenConversationRequest.type, ({ id }) => {
  const found = conversations.find(id);
  return found === undefined ? null : conversations.view(found);
});
connection.onRequest(SendMessageRequest.type, ({ conversation, after, text, command, attachments }) => {
  const { problem } = scriptFor(text);
  if (problem !== undefined) {
    return { problem, conversation };
  }
  const of = conversations.find(conversation) ?? conversations.create(text.slice(0, 40));
  const question = conversations.add(of, after, {
    ...{ ...blank, role: 'user', text, command, state: 'done' },
    attachments: attachments.map(shown),
  });
  answer(of, question.id);
  return { problem: '', conversation: of.id };
});
connection.onRequest(RegenerateRequest.type, ({ conversation, message }) => {
  const of = conversations.find(conversation);
  if (of === undefined) {
    return gone;
  }
  answer(of, conversations.parentOf(of, message));
  return { problem: '' };
});
connection.onRequest(ContinueAnswerRequest.type, ({ conversation, message }) => {
  const of = conversations.find(conversation);
  const found = of?.nodes[message]?.message;
  if (of === undefined || found === undefined) {
    return gone;
  }
  const line = scriptFor(of.nodes[conversations.parentOf(of, message)]?.message.text ?? '');
  conversations.change(of, message, { state: 'writing' });
  changed(of);
  void write(of, message, line, found.text);
  return { problem: '' };
});
connection.onRequest(StopAnswerRequest.type, ({ conversation }) => {
  stops.get(conversation)?.();
  return { problem: '' };
});
connection.onRequest(SelectVersionRequest.type, ({ conversation, message }) => {
  const of = conversations.find(conversation);
  if (of === undefined) {
    return gone;
  }
  conversations.select(of, message);
  changed(of);
  return { problem: '' };
});
connection.onRequest(RenameConversationRequest.type, ({ id, title }) => {
  const of = conversations.find(id);
  if (of === undefined) {
    return gone;
  }
  of.title = title;
  changed(of);
  return { problem: '' };
});
connection.onRequest(DeleteConversationRequest.type, ({ id }) => {
  conversations.remove(id);
  say({ kind: 'deleted', id });
  return { problem: '' };
});
connection.onRequest(ExportConversationRequest.type, ({ id }) => {
  const of = conversations.find(id);
  return of === undefined
    ? ''
    : [
        `# ${of.title}`,
        ...conversations.view(of).shown.map(({ role, text }) => `## ${role}\n\n${text}`),
      ].join('\n\n');
});
connection.onRequest(MeasureMessageRequest.type, ({ text, attachments }) => ({
  attachments: attachments.map(shown),
  context: { tokens: Math.ceil(text.length / 4), budget: 4096, summarised: 0, summary: '' },
}));
connection.listen();
