/** Conversations as the scripted chat server has them: a tree of messages in a file, and what of it is shown. */
import type { ChatMessage, Conversation } from '#protocol';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

interface Node {
  readonly parent: string;
  message: ChatMessage;
}

export interface Stored {
  readonly id: string;
  title: string;
  updatedAt: number;
  readonly nodes: Record<string, Node>;
  /** The newest message of what is shown. */
  head: string;
  next: number;
}

export class Conversations {
  private all: Stored[] = [];

  constructor(private readonly file: string) {
    if (existsSync(file)) {
      this.all = JSON.parse(readFileSync(file, 'utf8')) as Stored[];
      for (const { nodes } of this.all) {
        for (const node of Object.values(nodes)) {
          if (node.message.state === 'writing') {
            node.message = { ...node.message, state: 'interrupted' };
          }
        }
      }
    }
  }

  get list(): readonly Stored[] {
    return [...this.all].sort((a, b) => b.updatedAt - a.updatedAt);
  }

  find(id: string): Stored | undefined {
    return this.all.find((one) => one.id === id);
  }

  create(title: string): Stored {
    const id = (0x1000 + this.all.length).toString(16).padStart(16, '0');
    const made: Stored = { id, title, updatedAt: Date.now(), nodes: {}, head: '', next: 1 };
    this.all.push(made);
    return made;
  }

  remove(id: string): void {
    this.all = this.all.filter((one) => one.id !== id);
    this.save();
  }

  add(to: Stored, parent: string, message: Omit<ChatMessage, 'id' | 'versions' | 'at'>): ChatMessage {
    const id = `m${String(to.next)}`;
    to.next += 1;
    const made: ChatMessage = { ...message, id, versions: [id], at: Date.now() };
    to.nodes[id] = { parent, message: made };
    to.head = id;
    to.updatedAt = Date.now();
    return made;
  }

  change(of: Stored, id: string, change: Partial<ChatMessage>): void {
    const node = of.nodes[id];
    if (node !== undefined) {
      node.message = { ...node.message, ...change };
    }
  }

  parentOf(of: Stored, id: string): string {
    return of.nodes[id]?.parent ?? '';
  }

  /** Shows a message and the newest of what followed it. */
  select(of: Stored, id: string): void {
    let head = id;
    for (;;) {
      const next = Object.entries(of.nodes).findLast(([, { parent }]) => parent === head);
      if (next === undefined) {
        break;
      }
      head = next[0];
    }
    of.head = head;
  }

  view(of: Stored): Conversation {
    const shown: ChatMessage[] = [];
    for (let id = of.head; id !== ''; id = this.parentOf(of, id)) {
      const node = of.nodes[id];
      if (node === undefined) {
        break;
      }
      const { parent } = node;
      const versions = Object.entries(of.nodes)
        .filter(([, other]) => other.parent === parent && other.message.role === node.message.role)
        .map(([key]) => key);
      shown.unshift({ ...node.message, versions });
    }
    const tokens = shown.reduce((sum, { text }) => sum + Math.ceil(text.length / 4), 0);
    return {
      ...{
        id: of.id,
        title: of.title,
        updatedAt: of.updatedAt,
        messages: shown.length,
        shown,
        thinking: false,
      },
      busy: shown.some(({ state }) => state === 'writing'),
      context: { tokens, budget: 4096, summarised: 0, summary: '' },
    };
  }

  save(): void {
    writeFileSync(this.file, JSON.stringify(this.all));
  }
}
