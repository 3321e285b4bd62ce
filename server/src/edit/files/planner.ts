/** Which files a request leads to: what the model lists under a grammar, named as files here are, without what may not be written. */
import type { AttachedToFiles, Attachment, PlanFilesRequest, PlannedFile } from '#protocol';
import { folderOf, listWorkspace, nameOf, prefixesOf } from './listing';
import { asNamed, namingInWords, namingOf, type Naming } from './naming';
import { folded } from './paths';
import { mostPlanned, planGrammar, planQuestion, planSystem, readPlan } from './planText';
import { lookAtPlaces, type Hides } from './places';
import { talk, type TalkDeps } from './talk';
import { EngineError } from '../../engine';
import type { Collected } from '../../attachments';
import type { ChosenFiles } from '../../workspace';

export interface PlannerDeps extends TalkDeps {
  readonly files: ChosenFiles;
  /** URIs. */
  readonly folders: () => readonly string[];
}

export interface PlanningDeps extends PlannerDeps {
  /** What is in attachments; `anew` = as it is now, and not as it was when the plan was made. */
  readonly collected: (attachments: readonly Attachment[], anew: boolean) => Promise<readonly Collected[]>;
}

/** Tokens of a line, about. */
const tokensOfLine = 64;
const newName = 'new-file';
const mostListed = 300;
const mostBeside = 80;

export function hidesOf(files: ChosenFiles): Hides {
  return (root, path) => files.hides(root, path);
}

export interface Plan {
  readonly files: readonly PlannedFile[];
  /** What became of the rest, a sentence; '' = there is none. */
  readonly problem: string;
  readonly attached: readonly AttachedToFiles[];
}

/** Rejects as `talk` does. */
export async function planFiles(
  deps: PlanningDeps,
  { request, folder, attachments }: PlanFilesRequest.Params,
  signal: AbortSignal,
): Promise<Plan> {
  const folders = deps.folders();
  const prefixes = prefixesOf(folders, deps.files);
  const place = folder.replace(/\/+$/, '');
  if (request.trim() === '') {
    throw new EngineError('invalid_argument', 'Say what the files are to be for.');
  }
  // A file that nobody has: what is wrong with it is wrong with its folder.
  const probe = place === '' ? `${prefixes[0]?.prefix ?? ''}${newName}` : `${place}/${newName}`;
  const [found] = await lookAtPlaces([probe], folders, hidesOf(deps.files));
  if (found !== undefined && found.problem !== '') {
    throw new EngineError('invalid_argument', found.problem);
  }
  const listing = await listWorkspace(prefixes, deps.files);
  const beside = listing.paths.filter((path) => folderOf(path) === place);
  const naming = namingOf(beside.map(nameOf), listing.paths);
  const others = listing.paths.filter((path) => folderOf(path) !== place);
  const begins =
    place !== '' ? [`${place}/`] : prefixes.map(({ prefix }) => prefix).filter((prefix) => prefix !== '');
  const said = await talk(deps, {
    attached: await deps.collected(attachments, true),
    messages: (room, attached) => {
      const shown = others.slice(0, Math.floor(mostListed * room));
      const near = beside.slice(0, Math.floor(mostBeside * Math.max(room, 0.2))).map(nameOf);
      const more = listing.more || shown.length < others.length;
      return [
        { role: 'system', content: planSystem },
        {
          role: 'user',
          content: planQuestion({
            request,
            attached,
            folder: place,
            beside: near,
            listing: shown,
            more,
            naming: namingInWords(naming),
          }),
        },
      ];
    },
    grammar: planGrammar(begins),
    mostTokens: mostPlanned * tokensOfLine,
    fewestTokens: tokensOfLine * 2,
    signal,
    onPhase: () => undefined,
    onText: () => undefined,
  });
  const isThere = new Set(listing.paths);
  const namingBeside = (path: string): Naming => {
    const names = listing.paths.filter((other) => folderOf(other) === folderOf(path)).map(nameOf);
    return namingOf(names, listing.paths);
  };
  const named = readPlan(said.text).map(({ path, purpose }) => ({
    // What is there is meant as it is called.
    path: isThere.has(path) ? path : asNamed(path, namingBeside(path)),
    purpose,
  }));
  return { ...(await settled(named, folders, hidesOf(deps.files))), attached: said.attached };
}

/** Corrects what can be corrected, and leaves out what cannot. */
async function settled(
  said: readonly PlannedFile[],
  folders: readonly string[],
  hides: Hides,
): Promise<Omit<Plan, 'attached'>> {
  const first = await lookAtPlaces(
    said.map(({ path }) => path),
    folders,
    hides,
  );
  const better = said.map((file, i) => ({ ...file, path: first[i]?.instead || file.path }));
  const corrected = better.filter(
    ({ path }, i) => better.findIndex((other) => folded(other.path) === folded(path)) === i,
  );
  const places = await lookAtPlaces(
    corrected.map(({ path }) => path),
    folders,
    hides,
  );
  const files = corrected.flatMap(({ purpose }, i) => {
    const place = places[i];
    return place?.problem === '' ? [{ path: place.path, purpose }] : [];
  });
  const leftOut = corrected.flatMap(({ path }, i) => {
    const problem = places[i]?.problem ?? '';
    return problem === '' ? [] : [`${path}: ${problem}`];
  });
  return {
    files,
    problem: leftOut.length === 0 ? '' : `Left out of the plan: ${leftOut.join(' ')}`,
  };
}
