/** What .editorconfig files say of a file. Pure: the texts come from whoever read them. */

export interface EditorConfig {
  readonly indentStyle?: 'tab' | 'space';
  /** Columns. */
  readonly indentSize?: number;
  readonly endOfLine?: '\n' | '\r\n';
  readonly finalNewline?: boolean;
  readonly trim?: boolean;
}

/** One file: its text, and the path in the workspace of the folder that it lies in ('' = the top). */
export interface ConfigFile {
  readonly folder: string;
  readonly text: string;
}

const longestGlob = 200;
const mostSections = 200;

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');

/** A section's glob as a regular expression over a path below its folder; undefined = it names nothing that we understand. */
function globPattern(glob: string): RegExp | undefined {
  if (glob.length > longestGlob || (glob.match(/\*/g)?.length ?? 0) > 8) {
    return undefined;
  }
  let pattern = '';
  let depth = 0;
  for (let i = 0; i < glob.length; i += 1) {
    const sign = glob[i] ?? '';
    const range = /^\{(-?\d+)\.\.(-?\d+)\}/.exec(glob.slice(i));
    const set = /^\[(!?)([^\]]+)\]/.exec(glob.slice(i));
    if (sign === '*') {
      const deep = glob[i + 1] === '*';
      i += deep ? 1 : 0;
      pattern += deep ? '.*' : '[^/]*';
    } else if (sign === '?') {
      pattern += '[^/]';
    } else if (range !== null) {
      pattern += '-?\\d+';
      i += range[0].length - 1;
    } else if (set !== null) {
      pattern += `[${set[1] === '!' ? '^' : ''}${(set[2] ?? '').replace(/[\\^\]]/g, '\\$&')}]`;
      i += set[0].length - 1;
    } else if (sign === '{' && glob.includes('}', i)) {
      pattern += '(?:';
      depth += 1;
    } else if (sign === '}' && depth > 0) {
      pattern += ')';
      depth -= 1;
    } else if (sign === ',' && depth > 0) {
      pattern += '|';
    } else {
      pattern += escaped(sign === '\\' ? (glob[(i += 1)] ?? '') : sign);
    }
  }
  pattern += ')'.repeat(depth);
  // Without a slash it holds for names at every depth.
  const anchored = glob.replace(/\/$/, '').includes('/');
  try {
    return new RegExp(`^${anchored ? '' : '(?:.*/)?'}${pattern.replace(/^\\\//, '')}$`, 'u');
  } catch {
    return undefined;
  }
}

interface Section {
  readonly glob: string;
  readonly values: Map<string, string>;
}

function sectionsOf(text: string): { readonly root: boolean; readonly sections: readonly Section[] } {
  const head = new Map<string, string>();
  const sections: Section[] = [];
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const bare = line.trim();
    const name = /^\[(.+)\]$/.exec(bare)?.[1];
    const [, key, value = ''] = /^([^#;=:][^=:]*?)\s*[=:]\s*(.*)$/.exec(bare) ?? [];
    if (name !== undefined) {
      sections.push({ glob: name, values: new Map() });
    } else if (key !== undefined && !/^[#;]/.test(bare)) {
      (sections.at(-1)?.values ?? head).set(
        key.toLowerCase(),
        value
          .replace(/\s[#;].*$/, '')
          .trim()
          .toLowerCase(),
      );
    }
  }
  return { root: head.get('root') === 'true', sections: sections.slice(0, mostSections) };
}

/** `files`: those of the folders that a path is in, the outermost first. */
export function editorConfigOf(path: string, files: readonly ConfigFile[]): EditorConfig {
  const values = new Map<string, string>();
  for (const { folder, text } of files) {
    const { root, sections } = sectionsOf(text);
    if (root) {
      values.clear();
    }
    const below = folder === '' ? path : path.slice(folder.length + 1);
    for (const { glob, values: own } of sections) {
      if (globPattern(glob)?.test(below) === true) {
        own.forEach((value, key) => values.set(key, value));
      }
    }
  }
  const style = values.get('indent_style');
  const size = Number(values.get('indent_size') ?? NaN);
  const width = Number(values.get('tab_width') ?? NaN);
  const columns = Number.isInteger(size) ? size : width;
  const end = values.get('end_of_line');
  const final = values.get('insert_final_newline');
  const trim = values.get('trim_trailing_whitespace');
  return {
    ...(style === 'tab' || style === 'space' ? { indentStyle: style } : {}),
    ...(Number.isInteger(columns) && columns > 0 && columns <= 16 ? { indentSize: columns } : {}),
    ...(end === 'lf' ? { endOfLine: '\n' as const } : end === 'crlf' ? { endOfLine: '\r\n' as const } : {}),
    ...(final === 'true' || final === 'false' ? { finalNewline: final === 'true' } : {}),
    ...(trim === 'true' || trim === 'false' ? { trim: trim === 'true' } : {}),
  };
}
