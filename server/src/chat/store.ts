/**
 * Conversations on the disk: a file each, written as a whole, in a folder for each workspace. An answer that is being written lies
 * beside its conversation in a small file of its own, which is written every half second: whoever kills the server loses no more than that.
 */
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConversationId, MessageId } from '#protocol';
import { makePrivateFolder, writeWhole } from '../util/privateFolder';
import { newer, parseConversation } from './keptFile';
import { keptVersion, withChange, type KeptConversation } from './tree';

/** What there is so far of an answer. */
export interface PartialAnswer {
  readonly message: MessageId;
  readonly thinking: string;
  readonly text: string;
}

const idPattern = /^[0-9a-f]{16}$/;
const filePattern = /^([0-9a-f]{16})\.json$/;
/** Bytes. Nobody reads a longer conversation; a file that has more is not one. */
const mostBytes = 64 * 1024 * 1024;

/** Where a workspace's conversations lie: the same folders, in whatever order they were opened, give the same name. */
export function workspaceKey(folders: readonly string[]): string {
  const text = [...folders]
    .map((uri) => uri.replace(/\/$/, ''))
    .sort()
    .join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

export function isConversationId(id: string): boolean {
  return idPattern.test(id);
}

async function readSmall(path: string): Promise<string | undefined> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isFile() === true && found.size <= mostBytes ? readFile(path, 'utf8') : undefined;
}

function parsePartial(text: string | undefined): PartialAnswer | undefined {
  try {
    const { message, thinking, text: said } = JSON.parse(text ?? '') as Partial<PartialAnswer>;
    return typeof message === 'string' && typeof thinking === 'string' && typeof said === 'string'
      ? { message, thinking, text: said }
      : undefined;
  } catch {
    return undefined;
  }
}

export class ConversationStore {
  /** `folder`: the workspace's own, in that of all conversations. It is made when something is first written. */
  constructor(private readonly folder: string) {}

  /**
   * All that can be read. `damaged` gets the ids of those that are none, which have been put aside; `unread` of those that are left as they
   * are: of a later version, too large, or somebody else's.
   */
  async list(
    damaged: (id: ConversationId) => void,
    unread: (id: ConversationId) => void = () => undefined,
  ): Promise<readonly KeptConversation[]> {
    const names = await readdir(this.folder).catch(() => []);
    const found: KeptConversation[] = [];
    for (const name of names) {
      const id = filePattern.exec(name)?.[1];
      if (id === undefined) {
        continue;
      }
      const putAside = new Set<ConversationId>();
      const conversation = await this.read(id, (one) => {
        putAside.add(one);
        damaged(one);
      });
      if (conversation !== undefined) {
        found.push(conversation);
      } else if (!putAside.has(id) && !(await this.isGone(id))) {
        unread(id);
      }
    }
    return found;
  }

  /** With what was written of an answer when the server ended. Undefined = there is none that can be read. */
  async read(
    id: ConversationId,
    damaged: (id: ConversationId) => void = () => undefined,
  ): Promise<KeptConversation | undefined> {
    if (!isConversationId(id)) {
      return undefined;
    }
    const path = this.pathOf(id);
    const text = await readSmall(path).catch(() => undefined);
    if (text === undefined) {
      return undefined;
    }
    const conversation = parseConversation(id, text);
    if (conversation === newer) {
      return undefined;
    }
    if (conversation === undefined) {
      await rename(path, `${path}.damaged`).catch(() => undefined);
      damaged(id);
      return undefined;
    }
    return this.restored(conversation);
  }

  /** Whether somebody has deleted it: a file that cannot be reached is there. */
  async isGone(id: ConversationId): Promise<boolean> {
    try {
      await lstat(this.pathOf(id));
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT';
    }
  }

  /** Rejects as Node does, for instance when the disk is full; then what was there is still there. */
  async write(conversation: KeptConversation): Promise<void> {
    await makePrivateFolder(this.folder);
    const text = JSON.stringify({ version: keptVersion, ...conversation });
    await writeWhole(this.pathOf(conversation.id), Buffer.from(text));
  }

  async writePartial(id: ConversationId, partial: PartialAnswer): Promise<void> {
    await writeWhole(this.partialOf(id), Buffer.from(JSON.stringify(partial)));
  }

  async removePartial(id: ConversationId): Promise<void> {
    await rm(this.partialOf(id), { force: true });
  }

  async remove(id: ConversationId): Promise<void> {
    await rm(this.pathOf(id), { force: true });
    await this.removePartial(id);
    await rmdir(this.folder).catch(() => undefined); // there are others
  }

  /** Nobody writes an answer in a conversation that is only now read: what is marked as being written was interrupted. */
  private async restored(conversation: KeptConversation): Promise<KeptConversation> {
    const writing = conversation.messages.find(({ state }) => state === 'writing');
    if (writing === undefined) {
      return conversation;
    }
    const partial = parsePartial(await readSmall(this.partialOf(conversation.id)).catch(() => undefined));
    const said = partial?.message === writing.id ? { thinking: partial.thinking, text: partial.text } : {};
    return withChange(conversation, writing.id, { ...said, state: 'interrupted' });
  }

  private pathOf(id: ConversationId): string {
    return join(this.folder, `${id}.json`);
  }

  private partialOf(id: ConversationId): string {
    return join(this.folder, `${id}.partial`);
  }
}
