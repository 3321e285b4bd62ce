/** Markdown as answers have it: no HTML, no pictures, and links that lead nowhere by themselves. */
import MarkdownIt from 'markdown-it';
import { kindOfTarget } from '../pathLinks';

/** What a code block in a piece of Markdown holds; the HTML has its index in the place of it. */
export interface Fence {
  /** The word behind the fence; '' = none. */
  readonly language: string;
  /** The rest of that line. */
  readonly info: string;
  readonly code: string;
}

/** Definitions of links, by their labels; what one piece of a text defines holds for the next. */
export interface Definitions {
  references: Record<string, { readonly title: string; readonly href: string }>;
}

interface Environment extends Definitions {
  fences?: Fence[];
}

export const markdown = new MarkdownIt('commonmark', { html: false, linkify: true, typographer: false });
markdown.enable(['table', 'strikethrough', 'linkify']);
markdown.disable(['image', 'html_block', 'html_inline']);
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
markdown.validateLink = (address) => kindOfTarget(address) !== 'none';
// As it was written: what is shown is what is opened, and hosts with foreign letters do not become familiar ones.
markdown.normalizeLinkText = (address) => address;

const { escapeHtml } = markdown.utils;

function fenceMark(info: string, code: string, env: Environment): string {
  const [language = '', ...rest] = info.trim().split(/\s+/);
  env.fences ??= [];
  env.fences.push({ language, info: rest.join(' '), code });
  return `<pre data-fence="${String(env.fences.length - 1)}"></pre>`;
}

markdown.renderer.rules.fence = (tokens, index, _options, env: Environment) => {
  const token = tokens[index];
  return token === undefined ? '' : fenceMark(token.info, token.content, env);
};
markdown.renderer.rules.code_block = (tokens, index, _options, env: Environment) =>
  fenceMark('', tokens[index]?.content ?? '', env);
// No anchors: an anchor is followed by the browser, a mark is followed by us.
markdown.renderer.rules['link_open'] = (tokens, index) =>
  `<span data-target="${escapeHtml(tokens[index]?.attrGet('href') ?? '')}">`;
markdown.renderer.rules['link_close'] = () => '</span>';
// Columns are aligned by classes: the page allows no style attributes.
for (const cell of ['th_open', 'td_open']) {
  markdown.renderer.rules[cell] = (tokens, index) => {
    const token = tokens[index];
    const align = /text-align:(left|center|right)/.exec(token?.attrGet('style') ?? '')?.[1];
    return `<${token?.tag ?? 'td'}${align === undefined ? '' : ` class="align-${align}"`}>`;
  };
}

export function definitions(): Definitions {
  return { references: {} };
}

/** A piece's HTML, not yet made safe, and its code blocks. */
export function toHtml(
  text: string,
  known: Definitions,
): { readonly html: string; readonly fences: readonly Fence[] } {
  const env: Environment = { references: known.references, fences: [] };
  const html = markdown.render(text, env);
  return { html, fences: env.fences ?? [] };
}
