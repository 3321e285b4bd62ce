/** What the server does of it: a plan, and one file of it, whose text comes into a preview while it is written. Nothing is written into the workspace. */
import type { AttachedToFiles, PlanFilesRequest, PlannedFile } from '#protocol';
import { Uri, workspace, type CancellationToken } from 'vscode';
import type { NiwakiContext } from '../../context';
import type { Asked } from './asked';
import type { WrittenFile } from './creation';
import { formatted } from './formatting';
import type { Previews } from './previews';
import { reasonOf } from './reasons';

/** The plan of what is asked for. Never rejects. */
export async function plannedFiles(
  { server }: NiwakiContext,
  asked: Asked,
  token: CancellationToken,
): Promise<PlanFilesRequest.Result> {
  try {
    return await (await server.edits()).planFiles(asked, token);
  } catch (error) {
    const cancelled = token.isCancellationRequested;
    return { files: [], attached: [], problem: reasonOf(error), cancelled };
  }
}

/** A file of the plan. */
export interface Item extends PlannedFile {
  preview: Uri | undefined;
  /** Undefined = it is not written, or not to its end. */
  written: WrittenFile | undefined;
}

export interface Writing extends Pick<Asked, 'request' | 'attachments'> {
  readonly context: NiwakiContext;
  readonly previews: Previews;
  readonly items: readonly Item[];
}

export interface Outcome {
  /** What is to be said of it; '' = nothing. */
  readonly problem: string;
  readonly attached: readonly AttachedToFiles[];
}

/** Sets `item.written` where it came to its end. */
export async function writeItem(
  { context, previews, request, attachments, items }: Writing,
  item: Item,
  token: CancellationToken,
): Promise<Outcome> {
  const edits = await context.server.edits();
  const [checked] = await edits.checkFiles([item.path]);
  if (checked?.problem !== '') {
    return { problem: `${item.path}: ${checked?.problem ?? ''}`, attached: [] };
  }
  const uri = Uri.parse(checked.uri);
  const base = checked.exists ? (await workspace.openTextDocument(uri)).getText() : undefined;
  const preview = previews.make(item.path);
  item.preview = preview;
  await previews.show(preview, item.path, checked.exists ? uri : undefined, true);
  const done = items.flatMap(({ written }) => (written === undefined ? [] : [written]));
  const result = await edits.writeFile(
    {
      ...{ request, attachments },
      plan: items.map(({ path, purpose }) => ({ path, purpose })),
      index: items.indexOf(item),
      written: done.map(({ path, text }) => ({ path, text })),
    },
    ({ text }) => {
      if (text !== '') {
        previews.set(preview, text, true);
      }
    },
    token,
  );
  const { attached } = result;
  if (result.cancelled || result.text === '') {
    return { problem: result.problem === '' ? '' : `${item.path}: ${result.problem}`, attached };
  }
  previews.set(preview, result.text, false);
  // What is there already has a form of its own: a formatter would change lines that nobody has written anew.
  const text =
    base === undefined && result.problem === ''
      ? await formatted(preview, result.text, token).catch(() => result.text)
      : result.text;
  previews.set(preview, text, false);
  item.written = { path: item.path, uri, text, base };
  return { problem: result.problem, attached };
}

/** Of what is attached: what the model has not seen, a sentence each. */
export function unseen(attached: readonly AttachedToFiles[]): readonly string[] {
  return attached.flatMap(({ label, reason }) => (reason === '' ? [] : [`${label}: ${reason}`]));
}
