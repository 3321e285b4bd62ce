/**
 * Decides, document by document, what a prompt shows besides the file. A plan is sticky: a prompt whose beginning changes is new to the
 * model from there on. So plans are made when the user rests, and made anew only when something has happened that may make another one
 * better: the cursor has left its region, or another file has changed. Whoever wants a plan gets the last finished one, at once.
 */
import { Definitions, type AskDefinitions } from './definitions';
import { readInside, readRulesInside } from './diskFiles';
import { decodedPath } from '../util/decodedPath';
import { foldersOf } from './folders';
import { definitionsKey, Gatherer, type Surroundings } from './gather';
import { IgnoreRules, type Exclusion, type ReadFile } from './ignore/ignoreRules';
import { isSecretName } from './ignore/secrets';
import type { Chunker, ContextPart, ContextPlan } from './part';
import { chooseParts, isSamePart, orderParts } from './rank';
import { RecentDocuments, type LiveDocument } from './recentDocuments';
import { RecentEdits } from './recentEdits';
import { blockAt, lineBlocks } from './text/blocks';
import { lineAt, linesOf } from './text/lines';

export interface PlannerOptions {
  readonly ask: AskDefinitions;
  /** Absent = blocks by blank lines and indentation. */
  readonly chunker?: Chunker;
  /** Absent = the disk. */
  readonly read?: ReadFile;
  /** Milliseconds; absent = the clock. */
  readonly now?: () => number;
}

/** Where a completion may be asked for next. */
export interface PlannedPlace {
  readonly uri: string;
  /** For the prompt. */
  readonly path: string;
  readonly languageId: string;
  readonly version: number;
  readonly text: string;
  /** Of the cursor, in UTF-16 units. */
  readonly offset: number;
}

/** A text for who looks for something to copy from. */
export interface PathText {
  readonly path: string;
  readonly text: string;
}

interface Planned {
  readonly plan: ContextPlan;
  readonly regionKey: string;
  readonly definitionsKey: string;
  /** What the other documents' state was; see `changes`. */
  readonly changes: number;
}

/** Characters, of all parts of a plan: more than any prompt has room for. */
const mostPlanned = 24_000;
const mostGiven = 4;
const mostRecentTexts = 12;
const mostRecentCharacters = 512 * 1024;

export class ContextPlanner {
  private readonly rules: IgnoreRules;
  private readonly documents: RecentDocuments;
  private readonly edits = new RecentEdits();
  private readonly definitions: Definitions;
  private readonly gatherer: Gatherer;
  private readonly chunker: Chunker;
  private readonly planned = new Map<string, Planned>();
  /** All that were given out for a document and may still be in use, the latest last. */
  private readonly given = new Map<string, readonly ContextPlan[]>();
  /** Plans with something in them that must not be shown any more. */
  private readonly revoked = new WeakSet<ContextPlan>();
  private readonly verdicts = new Map<string, Promise<Exclusion | undefined>>();
  /** Documents whose last edits have not been looked at. */
  private readonly unsettled = new Set<string>();
  /** Documents that changed, by how often; opening and closing count for all. */
  private readonly changesOf = new Map<string, number>();
  private changes = 0;
  private enabled = true;

  constructor({ ask, chunker = lineBlocks, read, now }: PlannerOptions) {
    this.rules = new IgnoreRules(read ?? readRulesInside, now);
    this.documents = new RecentDocuments((file) => this.rules.verdict(file));
    this.definitions = new Definitions(ask, now);
    this.chunker = chunker;
    this.gatherer = new Gatherer({
      documents: this.documents,
      edits: this.edits,
      definitions: this.definitions,
      rules: this.rules,
      read: read ?? readInside,
      chunker,
    });
  }

  /** Settings and folders as they are now. Whoever switches this off finds nothing remembered. */
  configure(settings: {
    readonly enabled: boolean;
    readonly exclude: readonly string[];
    /** URIs. */
    readonly folders: readonly string[];
  }): void {
    this.enabled = settings.enabled;
    this.rules.setExclude(settings.exclude);
    this.documents.setFolders(foldersOf(settings.folders));
    this.verdicts.clear();
    this.changes += 1;
    for (const uri of this.given.keys()) {
      this.revoke(uri, () => true);
    }
    if (!settings.enabled) {
      this.documents.clear();
      this.edits.clear();
      this.definitions.clear();
      this.gatherer.clear();
    }
    void this.documents.judgeAll();
  }

  opened(document: LiveDocument): void {
    this.documents.opened(document);
    this.verdicts.delete(document.uri);
    this.changes += 1;
    if (this.enabled) {
      this.edits.start(document.uri, document.getText());
    }
  }

  changed(uri: string): void {
    this.documents.used(uri);
    this.changesOf.set(uri, (this.changesOf.get(uri) ?? 0) + 1);
    if (this.documents.isEdited(uri)) {
      this.unsettled.add(uri); // and not one that is just being opened
    }
    this.changes += 1;
  }

  /** The user's cursor is in it. */
  used(uri: string): void {
    this.documents.used(uri);
  }

  closed(uri: string): void {
    this.documents.closed(uri);
    this.edits.closed(uri);
    this.gatherer.forget(uri);
    this.unsettled.delete(uri);
    this.planned.delete(uri);
    this.given.delete(uri);
    this.changesOf.delete(uri);
    this.verdicts.delete(uri);
    this.changes += 1;
    if (!this.enabled) {
      this.documents.clear();
    }
  }

  /** The last finished plan; undefined = none, or it must not be shown any more. */
  plan(uri: string): ContextPlan | undefined {
    const plan = this.planned.get(uri)?.plan;
    return plan !== undefined && this.mayShow(plan) ? plan : undefined;
  }

  /** Whether a plan that was given out may still be shown. */
  mayShow(plan: ContextPlan): boolean {
    return this.enabled && !this.revoked.has(plan);
  }

  /**
   * Why nothing is to be completed in a document: its name says that it holds secrets, or a .niwakiignore names it. What is only left
   * out of version control, or hidden in the editor, the user has opened to work on it.
   */
  async refusal(uri: string): Promise<'secret' | 'niwakiignore' | undefined> {
    let asked = this.verdicts.get(uri);
    if (asked === undefined) {
      asked = this.verdictOf(uri);
      this.verdicts.set(uri, asked);
    }
    const verdict = await asked;
    return verdict === 'secret' || verdict === 'niwakiignore' ? verdict : undefined;
  }

  /** Open and recent files for a document, the latest used first; what must not be shown is not among them. */
  recentTexts(uri: string): readonly PathText[] {
    const texts: PathText[] = [];
    let characters = 0;
    for (const { path, text } of this.enabled ? this.documents.textsFor(uri) : []) {
      if (texts.length < mostRecentTexts && characters + text.length <= mostRecentCharacters) {
        texts.push({ path, text });
        characters += text.length;
      }
    }
    return texts;
  }

  /** The user rests: ignore files may have changed. What a document may be, and what may stand beside it, is found out again. */
  async renew(uri: string): Promise<void> {
    this.rules.renew();
    this.verdicts.delete(uri);
    await Promise.all([this.refusal(uri), this.documents.judgeAll()]);
  }

  /** The user rests there. Makes another plan if there may be a better one; ends without one when `signal` aborts. */
  async refresh(place: PlannedPlace, signal: AbortSignal): Promise<void> {
    await this.renew(place.uri);
    if (this.isOff() || (await this.refusal(place.uri)) !== undefined) {
      this.revoke(place.uri, () => true);
      return;
    }
    this.settleEdits();
    const around = await this.surroundings(place);
    await this.revokeForbidden(place.uri);
    const changes = this.changesElsewhere(place.uri);
    if (signal.aborted || !this.isOutdated(around)) {
      return;
    }
    const candidates = await this.gatherer.candidates(around, signal);
    if (this.isOff() || isOver(signal)) {
      return;
    }
    const previous = this.planned.get(place.uri)?.plan;
    const parts = orderParts(chooseParts(candidates, mostPlanned), previous?.parts ?? []);
    const folder = this.documents.locate(place.uri)?.folder;
    const { languageId } = place;
    const same = previous !== undefined && sameParts(previous.parts, parts);
    const plan = same ? previous : { repository: folder?.name ?? '', languageId, parts };
    this.give(place.uri, plan);
    this.planned.set(place.uri, {
      plan,
      regionKey: around.regionKey,
      definitionsKey: definitionsKey(around),
      changes,
    });
  }

  /** Asked again behind every wait. */
  private isOff(): boolean {
    return !this.enabled;
  }

  private async verdictOf(uri: string): Promise<Exclusion | undefined> {
    const located = this.documents.locate(uri);
    if (located === undefined) {
      return isSecretName(decodedPath(uri)) ? 'secret' : undefined;
    }
    return this.rules.verdict(located);
  }

  private give(uri: string, plan: ContextPlan): void {
    const given = [...(this.given.get(uri) ?? []).filter((other) => other !== plan), plan];
    for (const old of given.slice(0, -mostGiven)) {
      this.revoked.add(old);
    }
    this.given.set(uri, given.slice(-mostGiven));
  }

  /** Takes back what was given out for a document. */
  private revoke(uri: string, which: (plan: ContextPlan) => boolean): void {
    const given = this.given.get(uri) ?? [];
    for (const plan of given.filter(which)) {
      this.revoked.add(plan);
      if (this.planned.get(uri)?.plan === plan) {
        this.planned.delete(uri);
      }
    }
    this.given.set(
      uri,
      given.filter((plan) => !this.revoked.has(plan)),
    );
  }

  /** Takes back plans with a file in them that must not be shown any more. */
  private async revokeForbidden(uri: string): Promise<void> {
    const folder = this.documents.locate(uri)?.folder;
    if (folder === undefined) {
      return; // of untitled documents
    }
    const paths = new Set((this.given.get(uri) ?? []).flatMap(({ parts }) => parts.map(({ path }) => path)));
    const forbidden = new Set<string>();
    for (const path of paths) {
      if ((await this.rules.verdict({ folder, path })) !== undefined) {
        forbidden.add(path);
      }
    }
    this.revoke(uri, ({ parts }) => parts.some(({ path }) => forbidden.has(path)));
  }

  private settleEdits(): void {
    for (const uri of this.unsettled) {
      const document = this.documents.live(uri);
      if (document !== undefined) {
        this.edits.settle(uri, document.getText());
      }
    }
    this.unsettled.clear();
  }

  private async surroundings({ text, offset, ...document }: PlannedPlace): Promise<Surroundings> {
    const lines = linesOf(text);
    const cursorLine = lineAt(text, offset);
    const blocks = await this.chunker({ path: document.path, languageId: document.languageId, text });
    const region = blockAt(blocks, cursorLine);
    const first = lines.slice(region.startLine, region.endLine).find((line) => line.trim() !== '');
    return { ...document, lines, cursorLine, region, regionKey: first?.trim() ?? '' };
  }

  /** How often something else than this document has changed. */
  private changesElsewhere(uri: string): number {
    return this.changes - (this.changesOf.get(uri) ?? 0);
  }

  private isOutdated(around: Surroundings): boolean {
    const known = this.planned.get(around.uri);
    if (known === undefined) {
      return true;
    }
    return (
      known.regionKey !== around.regionKey ||
      known.changes !== this.changesElsewhere(around.uri) ||
      this.definitions.isDue(known.definitionsKey)
    );
  }
}

function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

function sameParts(a: readonly ContextPart[], b: readonly ContextPart[]): boolean {
  return a.length === b.length && a.every((part, i) => isSamePart(part, b[i] as ContextPart));
}
