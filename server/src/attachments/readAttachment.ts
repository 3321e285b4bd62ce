/** Attachments as they arrive, from the client or from a file: whoever wrote them may have written anything. */
import type { Attachment } from '#protocol';

const longestUri = 8_192;
/** UTF-16 units of a diff or of problems. */
const longestText = 4 * 1024 * 1024;

function isLine(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Undefined when it is none. */
export function readAttachment(value: unknown): Attachment | undefined {
  const raw = (value ?? {}) as Record<string, unknown>;
  const { kind, uri, name, startLine, endLine, text } = raw;
  if (typeof uri !== 'string' || uri.length > longestUri) {
    return undefined;
  }
  switch (kind) {
    case 'file':
    case 'folder':
      return { kind, uri };
    case 'selection':
    case 'symbol':
      return typeof name === 'string' && isLine(startLine) && isLine(endLine) && endLine >= startLine
        ? { kind, uri, name: name.slice(0, longestUri), startLine, endLine }
        : undefined;
    case 'problems':
    case 'changes':
      return typeof text === 'string' && text.length <= longestText ? { kind, uri, text } : undefined;
    default:
      return undefined;
  }
}

/** As many as the chat's page takes. */
const mostAttachments = 200;

/** Those in a list that are some. */
export function readAttachments(value: unknown): readonly Attachment[] {
  const list: readonly unknown[] = Array.isArray(value) ? value.slice(0, mostAttachments) : [];
  return list.map(readAttachment).filter((one): one is Attachment => one !== undefined);
}
