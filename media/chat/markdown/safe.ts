/** From HTML that our own Markdown made to nodes that can do nothing: a list of what may be there, and nothing else. */
import DOMPurify, { type Config } from 'dompurify';
import { element } from '../dom';
import { say } from '../host';
import { findPaths, kindOfTarget } from '../pathLinks';
import { hasUnseen, nameOf, pieces, visible } from '../unseen';

const inText: Config = {
  ALLOWED_TAGS: [
    ...['p', 'br', 'hr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'li', 'blockquote', 'pre', 'code'],
    ...['strong', 'em', 's', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'span'],
  ],
  ALLOWED_ATTR: ['data-target', 'data-fence', 'start', 'class'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

const inCode: Config = {
  ALLOWED_TAGS: ['span'],
  ALLOWED_ATTR: ['class'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

export function safeFragment(html: string, what: 'text' | 'code'): DocumentFragment {
  return DOMPurify.sanitize(html, what === 'text' ? inText : inCode) as unknown as DocumentFragment;
}

/** An unseen character as people see it. What is copied out of the page by hand has its name, not the character. */
function mark(character: string): HTMLElement {
  const name = nameOf(character);
  return element('span', { class: 'unseen', title: say('unseenHint', name) }, `⟨${name}⟩`);
}

function textNodes(root: Node): Text[] {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found: Text[] = [];
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    found.push(node as Text);
  }
  return found;
}

/** Writes out characters that nobody would see. */
export function showUnseen(root: Node): void {
  for (const node of textNodes(root)) {
    if (hasUnseen(node.data)) {
      node.replaceWith(...pieces(node.data).map((piece) => (piece.unseen ? mark(piece.text) : piece.text)));
    }
  }
}

function linkButton(target: string, label: readonly Node[]): HTMLElement {
  const web = kindOfTarget(target) === 'web';
  return element(
    'button',
    {
      ...{ type: 'button', class: 'link', role: 'link', 'data-target': target },
      title: say(web ? 'webLink' : 'fileLink', visible(target)),
    },
    ...label,
  );
}

/** Marks of links become buttons that ask the extension host; where a web address is not its own label it stands behind it. */
function makeLinks(root: DocumentFragment): void {
  for (const span of root.querySelectorAll<HTMLElement>('span[data-target]')) {
    const target = span.dataset['target'] ?? '';
    const kind = kindOfTarget(target);
    const button = linkButton(target, [...span.childNodes]);
    const same = span.textContent === target || button.textContent === target;
    if (kind === 'none') {
      span.replaceWith(...span.childNodes);
    } else if (kind === 'web' && !same) {
      span.replaceWith(button, element('span', { class: 'address' }, ` (${target})`));
    } else {
      span.replaceWith(button);
    }
  }
}

function linkPaths(root: DocumentFragment): void {
  for (const node of textNodes(root)) {
    const parent = node.parentElement;
    if (parent?.closest('button, pre, .address') != null) {
      continue;
    }
    const found = findPaths(node.data, parent?.closest('code') != null);
    if (found.length > 0) {
      const made: (Node | string)[] = [];
      let end = 0;
      for (const { start, end: next, target } of found) {
        made.push(node.data.slice(end, start), linkButton(target, [document.createTextNode(target)]));
        end = next;
      }
      made.push(node.data.slice(end));
      node.replaceWith(...made.filter((piece) => piece !== ''));
    }
  }
}

/** Nodes of a piece of Markdown's HTML. Code blocks are `pre[data-fence]`, for the caller to fill. */
export function safeMarkdown(html: string): DocumentFragment {
  const fragment = safeFragment(html, 'text');
  for (const marked of fragment.querySelectorAll('[class]')) {
    if (!/^align-(left|center|right)$/.test(marked.className)) {
      marked.removeAttribute('class'); // ours are the only ones that mean something
    }
  }
  makeLinks(fragment);
  linkPaths(fragment);
  showUnseen(fragment);
  return fragment;
}
