/** Line ends, indentation, the end of a file, and the head that files of a project begin with: as the files beside a new one have them. Pure. */
import type { EditorConfig } from './editorConfig';

export interface Layout {
  readonly endOfLine: '\n' | '\r\n';
  readonly finalNewline: boolean;
  readonly trim: boolean;
  /** One level: '\t' or spaces; '' = there is no telling. */
  readonly indent: string;
  /** The comment that files of this type begin with, with its line ends '\n' and none at its end; '' = they have none in common. */
  readonly head: string;
}

/** Types in which the kind of white space has a meaning of its own. */
const ownIndent =
  /(?:^|\/)(?:GNU)?[Mm]akefile(?:\.\w+)?$|\.(?:mk|ya?ml|md|markdown|rst|txt|tsv|patch|diff|haml|pug|styl|sass)$/;
const fewestWithHead = 2;
const longestHead = 4_000;

/** One level of a text's indentation; '' = it has none, or mixes. */
export function indentOf(text: string): string {
  const lines = text.split(/\r?\n/);
  const depths = lines.flatMap((line) => {
    const [, lead = ''] = /^([ \t]+)\S/.exec(line) ?? [];
    // Comments over several lines are set a space further.
    return lead === '' || /^[ \t]+\*/.test(line) ? [] : [lead];
  });
  const tabs = depths.filter((lead) => lead.startsWith('\t')).length;
  if (depths.length === 0 || (tabs > 0 && tabs < depths.length)) {
    return '';
  }
  if (tabs > 0) {
    return '\t';
  }
  // The step that is taken most often from a line to a deeper one.
  const steps = new Map<number, number>();
  let before = 0;
  for (const line of lines) {
    if (line.trim() !== '' && !/^\s*\*/.test(line)) {
      const depth = /^ */.exec(line)?.[0].length ?? 0;
      if (depth > before) {
        steps.set(depth - before, (steps.get(depth - before) ?? 0) + 1);
      }
      before = depth;
    }
  }
  const [best] = [...steps].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  return best === undefined || best[0] > 8 ? '' : ' '.repeat(best[0]);
}

const commentForms: readonly RegExp[] = [
  /^\/\*[^]*?\*\//,
  /^<!--[^]*?-->/,
  /^(?:\/\/[^\n]*(?:\n|$))+/,
  /^(?:#(?![![]|\s*(?:include|define|undef|ifn?(?:def)?|error|pragma|import)\b)[^\n]*(?:\n|$))+/,
  /^(?:--(?!\[)[^\n]*(?:\n|$))+/,
  /^(?:;[^\n]*(?:\n|$))+/,
  /^(?:%[^\n]*(?:\n|$))+/,
  /^"""[^]*?"""/,
];

/** What must stand on the first lines: `#!`, `<?php`, `<?xml`, an encoding. */
const opening = /^(?:#![^\n]*\n|<\?(?:php|xml)[^\n]*\n|#[^\n]*coding[:=][^\n]*\n|<!DOCTYPE[^\n]*\n)+/i;

/** The comment at a text's top, line ends '\n', behind what must stand before it; '' = there is none. */
export function headOf(text: string): string {
  const plain = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  const rest = plain.slice(opening.exec(plain)?.[0].length ?? 0).trimStart();
  const found = commentForms.map((form) => form.exec(rest)?.[0] ?? '').find((head) => head !== '') ?? '';
  return found.length > longestHead ? '' : found.trimEnd();
}

/** Years are the only thing in which heads of one project differ. */
const withoutYears = (head: string): string =>
  head
    .replace(/\b(?:19|20)\d\d(?:\s*[-–,]\s*(?:19|20)\d\d)*\b/g, 'YEAR')
    .replace(/\s+/g, ' ')
    .trim();

/** The head of a text that is there, where it is a licence: whatever its neighbours have, it stays. */
export function licenceOf(text: string): string {
  const head = headOf(text);
  return isLicence(head) ? head : '';
}

const isLicence = (head: string): boolean =>
  /copyright|licen[cs]e|\bSPDX-|©|all rights reserved|\(c\)\s/i.test(head);

/** The comment that most texts begin with; of those that differ in years alone, the one with the latest. */
export function commonHead(texts: readonly string[]): string {
  const groups = new Map<string, string[]>();
  for (const head of texts.map(headOf).filter((each) => each !== '')) {
    const key = withoutYears(head);
    groups.set(key, [...(groups.get(key) ?? []), head]);
  }
  const [largest = []] = [...groups.values()].sort((a, b) => b.length - a.length);
  if (largest.length < fewestWithHead || largest.length * 2 <= texts.length) {
    return '';
  }
  const latest = (head: string): number =>
    Math.max(0, ...(head.match(/\b(?:19|20)\d\d\b/g) ?? []).map(Number));
  return [...largest].sort((a, b) => latest(b) - latest(a))[0] ?? '';
}

function most<T>(values: readonly T[], otherwise: T): T {
  const counts = new Map<T, number>();
  values.forEach((value) => counts.set(value, (counts.get(value) ?? 0) + 1));
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? otherwise;
}

/** `same`: texts of files of the same type; `others`: of any, for line ends alone. */
export function layoutOf(same: readonly string[], others: readonly string[], config: EditorConfig): Layout {
  const endOf = (text: string): '\n' | '\r\n' => (text.includes('\r\n') ? '\r\n' : '\n');
  const spaces = config.indentSize === undefined ? undefined : ' '.repeat(config.indentSize);
  const seen = most(
    same.map(indentOf).filter((indent) => indent !== ''),
    '',
  );
  const indent =
    config.indentStyle === 'tab'
      ? '\t'
      : config.indentStyle === 'space'
        ? (spaces ?? (seen.startsWith(' ') ? seen : ''))
        : spaces !== undefined && seen !== '\t'
          ? spaces
          : seen;
  return {
    endOfLine: config.endOfLine ?? most([...(same.length > 0 ? same : others)].map(endOf), '\n'),
    finalNewline:
      config.finalNewline ??
      most(
        same.map((text) => text.endsWith('\n')),
        true,
      ),
    trim: config.trim ?? false,
    indent,
    head: commonHead(same),
  };
}

function reindented(text: string, indent: string): string {
  const own = indentOf(text);
  if (own === '' || indent === '' || own === indent) {
    return text;
  }
  return text
    .split('\n')
    .map((line) => {
      const lead = /^[ \t]*/.exec(line)?.[0] ?? '';
      const levels = Math.floor(lead.length / own.length);
      // What is left over lines something up.
      return lead === ''
        ? line
        : indent.repeat(levels) + lead.slice(levels * own.length) + line.slice(lead.length);
    })
    .join('\n');
}

/** A text as the model wrote it (line ends '\n'), in the layout of its neighbours. `path`: some types keep their own indentation. */
export function laidOut(path: string, text: string, layout: Layout): string {
  const { endOfLine, finalNewline, trim, indent, head } = layout;
  let body = text.replace(/\r\n?/g, '\n').replace(/\n+$/, '');
  body = ownIndent.test(path) ? body : reindented(body, indent);
  if (trim && !/\.(?:md|markdown)$/.test(path)) {
    body = body.replace(/[ \t]+$/gm, '');
  }
  body = withHead(body, head);
  return `${body}${finalNewline && body !== '' ? '\n' : ''}`.replaceAll('\n', endOfLine);
}

/** With the head on top, where it is missing; in the place of another licence that the model has made up. */
export function withHead(text: string, head: string): string {
  if (head === '') {
    return text;
  }
  const own = headOf(text);
  if (own !== '' && withoutYears(own).includes(withoutYears(head))) {
    return text;
  }
  const start = opening.exec(text)?.[0] ?? '';
  const rest = text.slice(start.length).trimStart();
  const isOther = isLicence(head) && isLicence(own) && rest.startsWith(own);
  return `${start}${head}\n\n${isOther ? rest.slice(own.length).trimStart() : rest}`;
}
