/**
 * Files from prompts, as the user goes through it: a request, a plan to edit, texts that are written one after the other, a decision. A bundle of its
 * own, loaded with the first command. Nothing is written into the workspace before the decision, and nothing that was written is lost before it either.
 */
import type { AttachedToFiles, CheckedFile, PlannedFile } from '#protocol';
import {
  CancellationTokenSource,
  commands,
  Disposable,
  l10n,
  ProgressLocation,
  window,
  workspace,
} from 'vscode';
import type { NiwakiContext } from '../../context';
import { messages } from '../../ui/messages';
import { createFiles, type WrittenFile } from './creation';
import { MadeFolders } from './madeFolders';
import { PlanDocument } from './planDocument';
import { createTitle, Previews } from './previews';
import { askForRequest, hasFolder, readAsked, type Asked } from './asked';
import { reasonOf } from './reasons';
import { plannedFiles, unseen, writeItem, type Item } from './writing';

type State = '' | 'plan' | 'writing' | 'written' | 'stopped';

const nothing: Asked = { request: '', folder: '', attachments: [] };
const contextKey = 'niwaki.files.state';

export class NewFiles implements Disposable {
  private readonly previews = new Previews();
  private readonly folders = new MadeFolders();
  private readonly plan: PlanDocument;
  private state: State = '';
  private asked: Asked = nothing;
  /** What became of what is attached. */
  private attached: readonly AttachedToFiles[] = [];
  private items: Item[] = [];
  private running: CancellationTokenSource | undefined;
  private busy = false;
  /** Names what a message's buttons are about: those of an earlier one do nothing. */
  private session = 0;

  constructor(private readonly context: NiwakiContext) {
    this.plan = new PlanDocument({
      check: (paths) => this.check(paths),
      onClosed: () => {
        if (this.state === 'plan') {
          void this.enter('');
        }
      },
    });
  }

  /** `asked`: a folder of the explorer, or `{ request, folder, attachments }`; anything else = the user is asked. Whether it was taken up. */
  async generate(asked: unknown): Promise<boolean> {
    if (!(await this.isFree()) || !(await hasFolder())) {
      return false;
    }
    const given = await readAsked(asked);
    const request = given.request.trim() === '' ? await askForRequest(given.folder) : given.request.trim();
    // While the user was asked, others may have been begun.
    return request !== undefined && request !== '' && (await this.isFree())
      ? this.makePlan({ ...given, request })
      : false;
  }

  /** The plan as it stands, or what is missing of it. */
  async write(): Promise<void> {
    if (this.busy || (this.state !== 'plan' && this.state !== 'stopped')) {
      return;
    }
    await this.once(async () => {
      if (this.state === 'plan' && !(await this.takePlan())) {
        return;
      }
      await this.enter('writing');
      await this.writeAll().catch((error: unknown) => this.settle([reasonOf(error)]));
    });
  }

  async cancel(): Promise<void> {
    this.running?.cancel();
    if (this.state === 'plan') {
      await this.enter('');
      await this.plan.close();
    }
  }

  /** What was written to its end becomes files. */
  async create(): Promise<void> {
    if (this.busy || (this.state !== 'written' && this.state !== 'stopped')) {
      return;
    }
    await this.once(async () => {
      const files = this.writtenFiles();
      const names = files.map(({ path }) => path);
      try {
        const result = await createFiles(files, (paths) => this.check(paths), this.folders);
        if (result.kind === 'done') {
          await this.finish(files);
        } else if (result.kind === 'failed') {
          this.ask(result.problem);
        } else {
          for (const { file, exists } of result.refusals) {
            await this.showAgain(file, exists);
          }
          const why = result.refusals.map(({ file, problem }) => `${file.path}: ${problem}`).join(' ');
          this.ask(l10n.t('Nothing was written. {0}', why));
        }
      } catch (error) {
        this.context.log.warn(`new files, ${names.join(', ')}: ${reasonOf(error)}`);
        this.ask(l10n.t('Nothing was written: {0}', reasonOf(error)));
      }
    });
  }

  async discard(): Promise<void> {
    if (!this.busy && (this.state === 'written' || this.state === 'stopped')) {
      await this.leave();
      this.asked = nothing;
    }
  }

  dispose(): void {
    this.running?.cancel();
    Disposable.from(this.plan, this.previews, this.folders).dispose();
  }

  // ------------------------------------------------------------------------------------------------------------ plan

  /** Whether it came to an end, be it one without a plan. */
  private async makePlan(asked: Asked): Promise<boolean> {
    if (this.busy) {
      return false;
    }
    this.asked = asked;
    return this.once(async () => {
      const title = l10n.t('Niwaki plans files');
      const result = await window.withProgress(
        { location: ProgressLocation.Notification, title, cancellable: true },
        (_progress, token) => plannedFiles(this.context, asked, token),
      );
      this.attached = result.attached;
      if (result.files.length > 0) {
        await this.openPlan(result.files, result.problem);
      } else if (!result.cancelled) {
        this.noPlan([result.problem, ...unseen(result.attached)].join(' '), asked, result.attached);
      }
      return !result.cancelled;
    });
  }

  private noPlan(problem: string, asked: Asked, attached: readonly AttachedToFiles[]): void {
    const [again, own] = [l10n.t('Try Again'), l10n.t('Write the Plan Myself')];
    void messages.warn(l10n.t('No plan: {0}', problem), again, own).then(async (chosen) => {
      if (this.state !== '' || this.busy) {
        return;
      }
      if (chosen === again) {
        await this.makePlan(asked);
      } else if (chosen === own) {
        [this.asked, this.attached] = [asked, attached]; // others may have been asked for since
        await this.once(() => this.openPlan([], ''));
      }
    });
  }

  private async openPlan(files: readonly PlannedFile[], problem: string): Promise<void> {
    await this.enter('plan');
    const seen = this.attached.filter(({ shown }) => shown !== 'none');
    const labels = seen.map(({ label }) => label).join(', ');
    const opened = this.plan.open(
      [
        l10n.t('Files for: {0}', this.asked.request),
        ...(labels === '' ? [] : [l10n.t('With: {0}', labels)]),
        l10n.t('A line a file: path — what it is for. Change lines, add some, take some out.'),
        l10n.t('Nothing is written before you say so.'),
        ...(problem === '' ? [] : [problem]),
        ...unseen(this.attached),
      ],
      files,
    );
    await opened.catch(async (error: unknown) => {
      await this.enter(''); // there is none
      throw error;
    });
  }

  /** Whether the plan can be written; says why not. */
  private async takePlan(): Promise<boolean> {
    const { lines } = this.plan;
    if (lines.length === 0) {
      void messages.warn(l10n.t('There is no file in the plan. Write a path into a line.'));
      return false;
    }
    let checked: readonly CheckedFile[];
    try {
      checked = await this.check(lines.map(({ path }) => path));
    } catch (error) {
      void messages.warn(l10n.t('The plan could not be looked at: {0}', reasonOf(error)));
      return false;
    }
    if (this.state !== 'plan') {
      return false; // cancelled meanwhile
    }
    const bad = lines.findIndex((_, i) => checked[i]?.problem !== '');
    const line = lines[bad];
    if (line !== undefined) {
      await this.plan.reveal(line);
      const why = checked[bad]?.problem ?? '';
      void messages.warn(l10n.t('Line {0} of the plan: {1}', line.line + 1, why));
      return false;
    }
    this.items = lines.map(({ purpose }, i) => ({
      path: checked[i]?.path ?? '',
      purpose,
      preview: undefined,
      written: undefined,
    }));
    this.session += 1;
    await this.enter('writing');
    await this.plan.close();
    return true;
  }

  // ----------------------------------------------------------------------------------------------------------- write

  private async writeAll(): Promise<void> {
    const cancel = new CancellationTokenSource();
    this.running = cancel;
    this.previews.decide('none', 0);
    const problems = new Set<string>(); // what is said of an attachment may be the same for each file
    const writing = { context: this.context, previews: this.previews, items: this.items, ...this.asked };
    const title = l10n.t('Niwaki writes files');
    await window.withProgress(
      { location: ProgressLocation.Notification, title, cancellable: true },
      async (progress, token) => {
        token.onCancellationRequested(() => {
          cancel.cancel();
        });
        for (const item of this.items.filter(({ written }) => written === undefined)) {
          const at = this.items.indexOf(item) + 1;
          progress.report({ message: l10n.t('{0} of {1}: {2}', at, this.items.length, item.path) });
          const { problem, attached } = await writeItem(writing, item, cancel.token).catch(
            (error: unknown) => ({ problem: reasonOf(error), attached: [] }),
          );
          [...unseen(attached), ...(problem === '' ? [] : [problem])].forEach((said) => problems.add(said));
          if (item.written === undefined) {
            await this.dropPreview(item);
            return;
          }
        }
      },
    );
    await this.settle([...problems]);
  }

  private async dropPreview(item: Item): Promise<void> {
    if (item.preview !== undefined) {
      await this.previews.close([item.preview]);
      item.preview = undefined;
    }
  }

  /** All that could be written is there: what becomes of it? */
  private async settle(problems: readonly string[]): Promise<void> {
    this.running?.dispose();
    this.running = undefined;
    const { length } = this.writtenFiles();
    const missing = this.items.length - length;
    if (length === 0 && problems.length === 0) {
      // Cancelled, and nothing is there: back to the plan, which the user may have edited.
      const { items } = this;
      await this.leave();
      await this.openPlan(items, '');
      return;
    }
    await this.enter(missing === 0 ? 'written' : 'stopped');
    this.previews.decide(missing === 0 ? 'create' : 'again', length);
    const said =
      missing === 0
        ? length === 1
          ? l10n.t('The file is written. Look at it, then create it.')
          : l10n.t('{0} files are written. Look at them, then create them.', length)
        : l10n.t('{0} of {1} files are written.', length, this.items.length);
    this.ask([said, ...problems].join(' '), problems.length > 0 || missing > 0);
  }

  /** A question whose buttons do what the code lenses do. */
  private ask(text: string, isWarning = true): void {
    const { session } = this;
    const { length } = this.writtenFiles();
    const again = this.state === 'stopped' ? [l10n.t('Try Again')] : [];
    const create = length === 0 ? [] : [createTitle(length)];
    const discard = l10n.t('Discard');
    const show = isWarning ? messages.warn : messages.info;
    void show(text, ...create, ...again, discard).then(async (chosen) => {
      if (chosen === undefined || session !== this.session) {
        return;
      }
      await (chosen === discard ? this.discard() : chosen === create[0] ? this.create() : this.write());
    });
  }

  // ---------------------------------------------------------------------------------------------------------- create

  /** What was refused is shown as it would be now: beside what is there. */
  private async showAgain(file: WrittenFile, exists: boolean): Promise<void> {
    const item = this.items.find(({ written }) => written === file);
    if (item?.preview === undefined) {
      return;
    }
    const base = exists ? (await workspace.openTextDocument(file.uri)).getText() : undefined;
    item.written = { ...file, base };
    const old = item.preview;
    item.preview = this.previews.make(file.path);
    this.previews.set(item.preview, file.text, false);
    await this.previews.show(item.preview, file.path, exists ? file.uri : undefined, true);
    await this.previews.close([old]);
  }

  private async finish(files: readonly WrittenFile[]): Promise<void> {
    await this.leave();
    this.asked = nothing; // diffs may be attached, which are large
    for (const { uri } of [...files].reverse()) {
      await window.showTextDocument(await workspace.openTextDocument(uri), { preview: false });
    }
  }

  private writtenFiles(): WrittenFile[] {
    return this.items.flatMap(({ written }) => (written === undefined ? [] : [written]));
  }

  private async leave(): Promise<void> {
    const previews = this.items.flatMap(({ preview }) => (preview === undefined ? [] : [preview]));
    this.items = [];
    this.session += 1;
    this.previews.decide('none', 0);
    await this.enter('');
    await this.previews.close(previews);
  }

  // ------------------------------------------------------------------------------------------------------------ state

  private async enter(state: State): Promise<void> {
    this.state = state;
    await commands.executeCommand('setContext', contextKey, state);
  }

  /** One step at a time. */
  private async once<T>(work: () => Promise<T>): Promise<T> {
    this.busy = true;
    try {
      return await work();
    } finally {
      this.busy = false;
    }
  }

  private async check(paths: readonly string[]): Promise<readonly CheckedFile[]> {
    return (await this.context.server.edits()).checkFiles(paths);
  }

  /** Whether nothing is under way; shows what is. */
  private async isFree(): Promise<boolean> {
    if (this.state === '' && !this.busy) {
      return true;
    }
    if (this.state === 'plan' && !this.busy) {
      await this.plan.show();
      void messages.info(
        l10n.t('This plan is open. Write its files, or close it, before you ask for others.'),
      );
      return false;
    }
    const decides = !this.busy && (this.state === 'written' || this.state === 'stopped');
    const text = decides
      ? l10n.t('Files wait for your decision. Create or discard them before you ask for others.')
      : l10n.t('Niwaki is at work on other files. Wait for them, or cancel.');
    if (decides) {
      for (const { preview, path, written } of this.items) {
        if (preview !== undefined && written !== undefined) {
          await this.previews.show(
            preview,
            path,
            written.base === undefined ? undefined : written.uri,
            false,
          );
        }
      }
      this.ask(text, false);
    } else {
      void messages.info(text);
    }
    return false;
  }
}
