/** The text of one file of a plan, written by the model and laid out as the files beside it are. Nothing is written to the disk. */
import type { AttachedToFiles, CheckedFile, WriteFileRequest } from '#protocol';
import { EngineError } from '../../engine';
import { editorConfigOf, type ConfigFile, type EditorConfig } from './editorConfig';
import { cutTo, fileGrammar, fileQuestion, fileSystem, textIn } from './fileText';
import { layoutOf, laidOut, licenceOf, withHead, type Layout } from './layout';
import {
  folderOf,
  likeIt,
  listWorkspace,
  prefixesOf,
  readNeighbours,
  type Neighbour,
  type Prefixes,
} from './listing';
import { hidesOf, type PlannerDeps, type PlanningDeps } from './planner';
import { lookAtPlaces, type Place } from './places';
import { talk, type Phase } from './talk';

/** Of a file. */
const mostTokens = 4_096;
const fewestTokens = 256;
/** Characters of everything that is shown of other files. */
const mostShown = 24_000;
const mostExamples = 2;
const fewestNear = 2;
const longestExample = 6_000;

export interface WriteHooks {
  readonly signal: AbortSignal;
  readonly onPhase: (phase: Phase) => void;
  /** All of it so far, with its head. Called for what it returns only when somebody wants to see it. */
  readonly onText: (text: () => string) => void;
}

export interface WrittenFile {
  readonly file: CheckedFile;
  readonly text: string;
  readonly problem: string;
  readonly attached: readonly AttachedToFiles[];
}

const bare = ({ path, uri, exists, problem }: Place): CheckedFile => ({ path, uri, exists, problem });

/** Rejects as `talk` does. */
export async function writeFile(
  deps: PlanningDeps,
  { request, attachments, plan, index, written }: Omit<WriteFileRequest.Params, 'job'>,
  { signal, onPhase, onText }: WriteHooks,
): Promise<WrittenFile> {
  const file = plan[index];
  if (file === undefined) {
    throw new EngineError('invalid_argument', 'There is no such file in the plan.');
  }
  const folders = deps.folders();
  // Beside the others: what clashes with one of them is refused.
  const places = await lookAtPlaces(
    plan.map(({ path }) => path),
    folders,
    hidesOf(deps.files),
  );
  const place = places[index];
  if (place?.problem !== '') {
    throw new EngineError('invalid_argument', `${file.path}: ${place?.problem ?? 'It is not in the plan.'}`);
  }
  const { path } = place;
  let present: string | undefined;
  if (place.exists) {
    const found = await deps.files.read(place.uri);
    if (typeof found === 'string') {
      throw new EngineError(
        'invalid_argument',
        `${path} is there and is no text that can be shown, so that no difference could be. Choose another name.`,
      );
    }
    present = found.text;
  }
  const { layout, examples } = await surroundings(deps, path, present);
  const said = await talk(deps, {
    attached: await deps.collected(attachments, false),
    messages: (room, attached) => [
      { role: 'system', content: fileSystem },
      {
        role: 'user',
        content: fileQuestion({
          ...{ request, attached, plan, present },
          file: { path, purpose: file.purpose },
          written: cutTo(written, mostShown * room),
          examples: room < 0.2 ? [] : cutTo(examples, Math.min(longestExample, mostShown * room)),
        }),
      },
    ],
    grammar: fileGrammar(path),
    ...{ mostTokens, fewestTokens, signal, onPhase },
    onText: (text) => {
      onText(() => withHead(textIn(path, text), layout.head).replaceAll('\n', layout.endOfLine));
    },
  });
  return {
    file: bare(place),
    text: laidOut(path, textIn(path, said.text), layout),
    attached: said.attached,
    problem: said.cut
      ? `${path} ends where the model ran out of room: it is not whole. Ask for less in one file, or write the rest yourself.`
      : '',
  };
}

interface Surroundings {
  readonly layout: Layout;
  readonly examples: readonly Neighbour[];
}

async function surroundings(
  { files, folders }: PlannerDeps,
  path: string,
  present: string | undefined,
): Promise<Surroundings> {
  const prefixes = prefixesOf(folders(), files);
  const listing = await listWorkspace(prefixes, files);
  const [same, config] = await Promise.all([
    readNeighbours(likeIt(path, listing), prefixes, files),
    configFor(path, prefixes, files),
  ]);
  const others =
    same.length > 0
      ? []
      : await readNeighbours(
          listing.paths.filter((other) => folderOf(other) === folderOf(path)),
          prefixes,
          files,
        );
  const textsOf = (neighbours: readonly Neighbour[]): readonly string[] => neighbours.map(({ text }) => text);
  // A folder has its own ways: the nearest in which there are several, for one file alone is no way.
  const beside = (folder: string): readonly Neighbour[] =>
    same.filter((one) => folderOf(one.path) === folder);
  const near =
    same.map((one) => beside(folderOf(one.path))).find(({ length }) => length >= fewestNear) ?? same;
  const layout = layoutOf(textsOf(near), textsOf(others), config);
  return {
    layout: present === undefined ? layout : ownLayout(present, layout, config),
    examples: same
      .filter(({ text }) => text.length <= longestExample && text.length > 40)
      .slice(0, mostExamples),
  };
}

/** What is there keeps its line ends, its indentation and its licence, whatever its neighbours have. */
function ownLayout(present: string, neighbours: Layout, config: EditorConfig): Layout {
  const own = layoutOf([present], [], config);
  return { ...own, indent: own.indent || neighbours.indent, head: licenceOf(present) || neighbours.head };
}

async function configFor(
  path: string,
  prefixes: Prefixes,
  files: PlannerDeps['files'],
): Promise<EditorConfig> {
  const place = prefixes
    .filter(({ prefix }) => path.startsWith(prefix))
    .sort((a, b) => b.prefix.length - a.prefix.length)[0];
  if (place === undefined) {
    return {};
  }
  const below = path.slice(place.prefix.length);
  const parts = below.split('/').slice(0, -1);
  const found = await Promise.all(
    [[], ...parts.map((_, i) => parts.slice(0, i + 1))].map(async (folder): Promise<ConfigFile[]> => {
      const text = await files.readBelow(place.uri, [...folder, '.editorconfig'].join('/'));
      return text === undefined ? [] : [{ folder: folder.join('/'), text }];
    }),
  );
  return editorConfigOf(below, found.flat());
}
