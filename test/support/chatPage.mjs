/**
 * The chat's page in Chromium, without VS Code: a script plays the extension host. Every request and every violation of the page's policy is written
 * down.
 */
/* global document, window, requestAnimationFrame, before, after, afterEach */
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { ensureChromium } from '../../scripts/vscode/chromium.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const origin = 'http://chat.test';
const nonce = 'bm9uY2UtZm9yLXRlc3Rz';

/** Modules of the client that need nothing of VS Code but its texts. */
async function load(entry) {
  const stub = 'export const l10n = { t: (text) => text };';
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    plugins: [
      {
        name: 'vscode stub',
        setup(build_) {
          build_.onResolve({ filter: /^vscode$/ }, () => ({ path: 'vscode', namespace: 'stub' }));
          build_.onLoad({ filter: /.*/, namespace: 'stub' }, () => ({ contents: stub }));
        },
      },
    ],
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

/** Colours as VS Code sets them: enough of them to look at, not the themes themselves. */
const colours = {
  dark: {
    foreground: '#cccccc',
    'sideBar-background': '#181818',
    'editor-background': '#1f1f1f',
    descriptionForeground: '#9d9d9d',
    'input-background': '#313131',
    'input-foreground': '#cccccc',
    'input-placeholderForeground': '#989898',
    'input-border': '#3c3c3c',
    focusBorder: '#0078d4',
    'button-background': '#0078d4',
    'button-foreground': '#ffffff',
    'badge-background': '#616161',
    'badge-foreground': '#f8f8f8',
    'textLink-foreground': '#4daafc',
    'textCodeBlock-background': '#2b2b2b',
    'widget-border': '#313131',
    'list-inactiveSelectionBackground': '#37373d',
    'list-activeSelectionBackground': '#04395e',
    'quickInput-background': '#222222',
    'quickInputList-focusBackground': '#04395e',
    'progressBar-background': '#0078d4',
    'debugTokenExpression-string': '#ce9178',
    'debugTokenExpression-name': '#c586c0',
    'debugTokenExpression-number': '#b5cea8',
    'symbolIcon-functionForeground': '#b180d7',
    'symbolIcon-variableForeground': '#75beff',
    'editorWarning-foreground': '#cca700',
    'inputValidation-errorBackground': '#5a1d1d',
    'inputValidation-errorBorder': '#be1100',
  },
  'high-contrast': {
    foreground: '#ffffff',
    'sideBar-background': '#000000',
    'editor-background': '#000000',
    descriptionForeground: '#ffffff',
    'input-background': '#000000',
    'input-foreground': '#ffffff',
    'input-border': '#6fc3df',
    focusBorder: '#f38518',
    contrastBorder: '#6fc3df',
    contrastActiveBorder: '#f38518',
    'button-background': '#000000',
    'button-foreground': '#ffffff',
    'button-border': '#6fc3df',
    'badge-background': '#000000',
    'badge-foreground': '#ffffff',
    'textLink-foreground': '#21a6ff',
    'quickInput-background': '#0c141f',
    'editorWarning-foreground': '#ffd370',
  },
};

/** A message of a conversation, with what a test gives. */
export function message(id, role, text, more = {}) {
  return {
    ...{ id, role, text, thinking: '', command: '', attachments: [], state: 'done', problem: '' },
    ...{ figures: null, versions: [id], at: 1_750_000_000_000 },
    ...more,
  };
}

export function conversation(shown, more = {}) {
  return {
    ...{
      id: 'c1',
      title: 'A conversation',
      updatedAt: 1_750_000_000_000,
      messages: shown.length,
      busy: false,
    },
    ...{ shown, thinking: false, context: { tokens: 100, budget: 1000, summarised: 0, summary: '' } },
    ...more,
  };
}

export const readyModel = {
  ...{ state: 'ready', name: 'Bonsai 1.7B', problem: '', contextTokens: 8192, canThink: true },
};

export async function launch() {
  return chromium.launch({
    executablePath: await ensureChromium(),
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP * ~NOTFOUND'],
  });
}

export class ChatPage {
  /** Requests for anything but the page's own files. */
  outside = [];
  /** What the page's policy has refused. */
  violations = [];
  /** Errors of the page, and dialogs that it has opened. */
  errors = [];
  dialogs = 0;
  /** What the page has said, oldest first. */
  heard = [];
  state = undefined;

  /**
   * @param {object} [options]
   * @param {number} [options.width]
   * @param {number} [options.height]
   * @param {'dark' | 'high-contrast'} [options.theme]
   * @param {object | null} [options.model]         what the host says of the model at first
   * @param {object | null} [options.conversation]  and the conversation that it shows
   * @param {(message: object, page: ChatPage) => unknown} [options.host]  what the host does besides; returns true where that was all
   * @param {import('playwright-core').Browser} [options.browser]  one that stays; left out, the page has its own
   */
  static async open(options = {}) {
    const page = new ChatPage();
    page.options = { model: readyModel, conversation: null, ...options };
    page.browser = page.options.browser ?? (await launch());
    try {
      await page.start();
      return page;
    } catch (error) {
      await page.close();
      throw error;
    }
  }

  async start() {
    const { width = 320, height = 700, theme = 'dark' } = this.options;
    const context = (this.context = await this.browser.newContext({
      viewport: { width, height },
      ...(theme === 'high-contrast' ? { forcedColors: 'none' } : {}),
    }));
    this.page = await context.newPage();
    const { pageHtml } = await load('client/src/features/chat/pageHtml.ts');
    const { pageTexts } = await load('client/src/features/chat/pageTexts.ts');
    const html = pageHtml({
      ...{ language: 'en', nonce, source: origin, script: `${origin}/page.js`, style: `${origin}/page.css` },
      ...{ texts: JSON.stringify(pageTexts()), title: 'Chat', saved: '' },
    });
    await context.route('**/*', (route) => this.serve(route, html));
    this.page.on('pageerror', (error) => this.errors.push(String(error)));
    this.page.on('console', (entry) => {
      if (/Content Security Policy|Refused to/i.test(entry.text())) {
        this.violations.push(entry.text());
      } else if (entry.type() === 'error') {
        this.errors.push(entry.text());
      }
    });
    this.page.on('dialog', (dialog) => {
      this.dialogs += 1;
      void dialog.dismiss();
    });
    context.on('page', () => this.outside.push('a new page'));
    await this.page.exposeFunction('hostHears', (message_) => this.hear(message_));
    await this.page.exposeFunction('hostKeeps', (state) => {
      this.state = state;
    });
    await this.page.addInitScript(
      ({ variables, saved }) => {
        let state = saved;
        window.acquireVsCodeApi = () => ({
          postMessage: (value) => void window.hostHears(structuredClone(value)),
          getState: () => state,
          setState: (value) => {
            state = value;
            void window.hostKeeps(value);
          },
        });
        document.addEventListener('securitypolicyviolation', (event) => {
          console.log(`Refused to ${event.violatedDirective} ${event.blockedURI}`);
        });
        document.addEventListener('DOMContentLoaded', () => {
          for (const [name, value] of Object.entries(variables)) {
            document.documentElement.style.setProperty(`--vscode-${name}`, value);
          }
        });
      },
      {
        saved: this.options.state,
        variables: {
          ...colours[theme],
          ...{ 'font-family': 'DejaVu Sans, sans-serif', 'font-size': '13px' },
          ...{ 'editor-font-family': 'DejaVu Sans Mono, monospace', 'editor-font-size': '12px' },
        },
      },
    );
    await this.page.goto(`${origin}/`);
    await this.page.locator('main.chat').waitFor();
    await this.until('the page is ready', () => this.heard.some(({ kind }) => kind === 'ready'));
  }

  async close() {
    await (this.options.browser === undefined ? this.browser : this.context)?.close();
  }

  /** Says something to the page. */
  async post(...messages) {
    await this.page.evaluate((all) => {
      for (const one of all) {
        window.postMessage(one, '*');
      }
    }, messages);
  }

  async show(shown, more) {
    await this.post({ kind: 'show', conversation: conversation(shown, more), focus: false });
    await this.page.locator(`.message[data-id="${shown.at(-1).id}"]`).waitFor({ state: 'attached' });
    await this.settle();
  }

  /** Waits until what was said has been laid out. */
  async settle() {
    await this.page.evaluate(
      () =>
        new Promise((resolve) => {
          let left = 12;
          const next = () => (left-- > 0 ? requestAnimationFrame(next) : resolve());
          next();
        }),
    );
  }

  /** The newest message of a kind that the page has said, or will say. */
  async said(kind, ms = 5_000) {
    return this.until(`the page says ${kind}`, () => this.heard.findLast((one) => one.kind === kind), ms);
  }

  async until(what, ask, ms = 5_000) {
    for (const end = Date.now() + ms; ;) {
      const answer = await ask();
      if (answer !== undefined && answer !== false) {
        return answer;
      }
      if (Date.now() > end) {
        throw new Error(`${what}: not within ${ms} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  }

  async hear(said) {
    this.heard.push(said);
    if ((await this.options.host?.(said, this)) === true) {
      return;
    }
    switch (said.kind) {
      case 'ready':
        await this.post(
          { kind: 'model', state: this.options.model, problem: '' },
          { kind: 'show', conversation: this.options.conversation, focus: false },
        );
        break;
      case 'measure':
        await this.post({
          ...{ kind: 'measured', request: said.request, context: null },
          attachments: said.attachments.map((attachment) => ({
            ...{ attachment, label: attachment.uri, tokens: 10, wholeTokens: 10, shown: 'whole' },
            ...{ reason: '', files: [] },
          })),
        });
        break;
      case 'candidates':
        await this.post({ kind: 'candidates', request: said.request, items: [], note: '' });
        break;
    }
  }

  async serve(route, html) {
    const url = route.request().url();
    const files = { '/page.js': 'text/javascript', '/page.css': 'text/css', '/codicon.ttf': 'font/ttf' };
    const path = url.startsWith(`${origin}/`) ? url.slice(origin.length) : '';
    if (path === '/' && !this.served) {
      this.served = true;
      await route.fulfill({ contentType: 'text/html; charset=utf-8', body: html });
    } else if (path in files) {
      const body = readFileSync(join(root, 'dist', 'chat', path.slice(1)));
      await route.fulfill({ contentType: files[path], body });
    } else {
      this.outside.push(url);
      await route.abort();
    }
  }
}

/**
 * Pages for the tests of the suite that this is called in: one browser for all of them, and a page that is closed after its test.
 * @param {(page: ChatPage) => void} opened  is told of each page
 * @returns a function that opens one, with the options of ChatPage.open
 */
export function pagesOfSuite(opened) {
  let browser;
  let page;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());
  afterEach(async () => {
    await page?.close();
    page = undefined;
  });
  return async (options) => {
    page = await ChatPage.open({ browser, ...options });
    opened(page);
    await page.settle();
    return page.page;
  };
}
