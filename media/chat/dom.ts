/** Elements without HTML: nothing that is put in by this is ever parsed. */

type Child = Node | string;

/** Attributes; a listener is given as `onclick` and the like. undefined and false leave one out. */
export type Attributes = Readonly<
  Record<string, string | number | boolean | undefined | ((event: never) => void)>
>;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes?: Attributes,
  ...children: Child[]
): HTMLElementTagNameMap[K];
export function element(tag: string, attributes?: Attributes, ...children: Child[]): HTMLElement;
export function element(tag: string, attributes: Attributes = {}, ...children: Child[]): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      made.addEventListener(name.slice(2), value as EventListener);
    } else if (value !== undefined && value !== false) {
      made.setAttribute(name, value === true ? '' : String(value));
    }
  }
  made.append(...children);
  return made;
}

export function icon(name: string): HTMLElement {
  return element('span', { class: `icon icon-${name}`, 'aria-hidden': 'true' });
}

/** A button that is an icon to the eye and a word to a screen reader. */
export function iconButton(
  name: string,
  label: string,
  onclick: (event: MouseEvent) => void,
  attributes: Attributes = {},
): HTMLButtonElement {
  return element(
    'button',
    { type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick, ...attributes },
    icon(name),
  );
}

/** Writes only where something is different: the browser lays out anew what is written. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) {
    target.textContent = text;
  }
}

export function setHidden(target: HTMLElement, hidden: boolean): void {
  if (target.hidden !== hidden) {
    target.hidden = hidden;
  }
}

/**
 * Arrow keys go through a group's items, of which one at a time can be reached by Tab. Home and End too. `vertical`: up and down, otherwise
 * left and right.
 */
export function roving(group: HTMLElement, selector: string, vertical: boolean): void {
  const items = (): HTMLElement[] => [...group.querySelectorAll<HTMLElement>(selector)];
  const take = (item: HTMLElement): void => {
    for (const other of items()) {
      other.tabIndex = other === item ? 0 : -1;
    }
  };
  group.addEventListener('focusin', (event) => {
    const item = (event.target as HTMLElement).closest<HTMLElement>(selector);
    if (item !== null && group.contains(item)) {
      take(item);
    }
  });
  group.addEventListener('keydown', (event) => {
    const all = items();
    const now = all.findIndex((item) => item === event.target);
    const [back, forward] = vertical ? ['ArrowUp', 'ArrowDown'] : ['ArrowLeft', 'ArrowRight'];
    const next =
      event.key === back
        ? now - 1
        : event.key === forward
          ? now + 1
          : event.key === 'Home'
            ? 0
            : event.key === 'End'
              ? all.length - 1
              : undefined;
    const target = now < 0 || next === undefined ? undefined : all[next];
    if (target !== undefined && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      event.stopPropagation();
      take(target);
      target.focus();
    }
  });
}

/** After items have come or gone: exactly one can be reached by Tab. */
export function keepOneReachable(group: HTMLElement, selector: string, preferLast = false): void {
  const items = [...group.querySelectorAll<HTMLElement>(selector)];
  const chosen = items.find((item) => item.tabIndex === 0 && document.activeElement === item);
  const one = chosen ?? (preferLast ? items.at(-1) : items[0]);
  for (const item of items) {
    item.tabIndex = item === one ? 0 : -1;
  }
}
