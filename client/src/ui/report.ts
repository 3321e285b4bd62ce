/**
 * A report for people: sections of text and tables, shown as a page in VS Code and written to files as Markdown, from one and the same
 * content. Cells and paragraphs are plain text and may hold anything: both forms escape it.
 */
import { escapeHtml } from './escapeHtml';

/** A button: one of our commands. Not in the Markdown. */
export interface ReportAction {
  readonly label: string;
  /** What a screen reader says where `label` says it only beside its row. */
  readonly spoken: string;
  readonly command: string;
  /** Plain data. */
  readonly args?: readonly unknown[];
}

export interface ReportRow {
  readonly cells: readonly string[];
  readonly action?: ReportAction;
}

export interface ReportTable {
  readonly head: readonly string[];
  readonly rows: readonly ReportRow[];
}

/** `good` and `bad` colour a line, and are said in its words, too. */
export interface ReportLine {
  readonly text: string;
  readonly tone?: 'good' | 'bad';
}

export interface ReportSection {
  readonly title: string;
  readonly lines: readonly ReportLine[];
  readonly table?: ReportTable;
}

export interface Report {
  readonly title: string;
  readonly introduction: string;
  readonly actions: readonly ReportAction[];
  readonly sections: readonly ReportSection[];
}

function button({ label, spoken, command, args = [] }: ReportAction): string {
  const target = `command:${command}${args.length === 0 ? '' : `?${encodeURIComponent(JSON.stringify(args))}`}`;
  return `<a class="button" role="button" href="${escapeHtml(target)}" aria-label="${escapeHtml(spoken)}">${escapeHtml(label)}</a>`;
}

function tableHtml({ head, rows }: ReportTable): string {
  const hasActions = rows.some(({ action }) => action !== undefined);
  const heads = head.map((cell) => `<th scope="col">${escapeHtml(cell)}</th>`).join('');
  const body = rows.map(({ cells, action }) => {
    const [first = '', ...rest] = cells.map(escapeHtml);
    const others = rest.map((cell) => `<td>${cell}</td>`).join('');
    const last = hasActions ? `<td>${action === undefined ? '' : button(action)}</td>` : '';
    return `<tr><th scope="row">${first}</th>${others}${last}</tr>`;
  });
  return `<table><thead><tr>${heads}${hasActions ? '<td></td>' : ''}</tr></thead><tbody>${body.join('\n')}</tbody></table>`;
}

function lineHtml({ text, tone }: ReportLine): string {
  return `<li${tone === undefined ? '' : ` class="${tone}"`}>${escapeHtml(text)}</li>`;
}

function sectionHtml({ title, lines, table }: ReportSection): string {
  const list = lines.length === 0 ? '' : `<ul>${lines.map(lineHtml).join('\n')}</ul>`;
  return `<section><h2>${escapeHtml(title)}</h2>${list}${table === undefined ? '' : tableHtml(table)}</section>`;
}

/** The body of a page; webPage.ts has what is around it. */
export function reportHtml({ title, introduction, actions, sections }: Report): string {
  return [
    `<h1>${escapeHtml(title)}</h1>`,
    `<p>${escapeHtml(introduction)}</p>`,
    `<p>${actions.map(button).join(' ')}</p>`,
    ...sections.map(sectionHtml),
  ].join('\n');
}

/** Every command that a report's buttons run. */
export function commandsOf({ actions, sections }: Report): readonly string[] {
  const rows = sections.flatMap(({ table }) => table?.rows ?? []);
  const all = [...actions, ...rows.flatMap(({ action }) => (action === undefined ? [] : [action]))];
  return [...new Set(all.map(({ command }) => command))];
}

/** Text as Markdown shows it: on one line, whatever ends lines, and nothing in it is markup, an entity or a link. */
function markdownText(text: string): string {
  return text
    .replaceAll(/\s*[\r\n\v\f\u0085\u2028\u2029]\s*/g, ' ')
    .replaceAll(/[\\`*_{}[\]<>#|~&]/g, String.raw`\$&`)
    .replaceAll(/:\/\/|www\./gi, (part) => `${part.slice(0, -1)}\\${part.slice(-1)}`);
}

function markdownRow(cells: readonly string[]): string {
  return `| ${cells.map(markdownText).join(' | ')} |`;
}

export function reportMarkdown({ title, introduction, sections }: Report): string {
  const parts = sections.flatMap(({ title: heading, lines, table }) => [
    `## ${markdownText(heading)}`,
    '',
    ...(lines.length === 0 ? [] : [...lines.map(({ text }) => `- ${markdownText(text)}`), '']),
    ...(table === undefined
      ? []
      : [
          markdownRow(table.head),
          `|${' --- |'.repeat(table.head.length)}`,
          ...table.rows.map(({ cells }) => markdownRow(cells)),
          '',
        ]),
  ]);
  return [`# ${markdownText(title)}`, '', markdownText(introduction), '', ...parts].join('\n');
}
