/** A VS Code with the extension in it, a page to press keys in, and what the real-keyboard tests look for there. */
/* global afterEach */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openWorkbench } from '../../../scripts/vscode/browser.mjs';
import { startVsCode, stillSettings } from '../../../scripts/vscode/server.mjs';
import { root } from '../../../scripts/vscode/setup.mjs';
import { makeWorkspace } from '../workspace.mjs';

/** Kinds of colour themes: a theme's name, and the class that the workbench then has. */
export const themes = {
  light: ['Light Modern', 'vs'],
  dark: ['Dark Modern', 'vs-dark'],
  'high-contrast': ['Dark High Contrast', 'hc-black'],
};

const screenshots = join(root, 'out', 'screenshots');

/** Asks again and again until the answer is neither undefined nor false. */
export async function until(what, ask, ms = 10_000) {
  for (const end = Date.now() + ms; ; await sleep(20)) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) {
      return answer;
    }
    if (Date.now() > end) {
      throw new Error(`${what}: not within ${ms} ms`);
    }
  }
}

export function isAlive(pid) {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')); // a zombie only waits to be noticed
  } catch {
    return false;
  }
}

/** Takes a screenshot where a test of the suite that this is called in fails, or what is done before it. `ui` is asked then. */
export function pictureFailures(ui) {
  afterEach(async function () {
    if (this.currentTest !== undefined && this.currentTest.state !== 'passed') {
      await ui()?.screenshot(`failure-${this.currentTest.title.replace(/\W+/g, '-')}`);
    }
  });
}

/** The command line of a process, its parent and its process group. */
export function readProcess(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is a name in brackets and may hold anything. Behind it: state, parent, group.
    const [, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '),
    };
  } catch {
    return undefined; // it ended while we looked
  }
}

export class Ui {
  /** What the page's console calls an error; what extensions throw is among it. */
  errors = [];

  /**
   * Starts VS Code and waits until completions are possible.
   * @param {object} [options]
   * @param {Record<string, unknown>} [options.settings]           the user's
   * @param {Record<string, unknown>} [options.machineSettings]    the user's, of the scope "machine"
   * @param {Record<string, unknown>} [options.workspaceSettings]  what the opened folder says
   * @param {boolean} [options.workspaceTrust]                     the folder is not trusted
   * @param {string[]} [options.extensions]                        names under test/fixtures/extensions
   * @param {Record<string, string>} [options.env]                 of the server and the extension host, besides their own
   * @param {(workspace: string) => void} [options.prepare]        puts more into the folder
   * @param {string} [options.extension]   the folder of the extension; left out, this project's
   * @param {object} [options.installed]  the extension is installed from a package, not taken from this folder: `packages`, `wrap`
   *                                      and `env` of scripts/vscode/server.mjs
   */
  static async start(options = {}) {
    const {
      settings,
      machineSettings,
      workspaceSettings,
      workspaceTrust,
      extensions = [],
      installed,
    } = options;
    const ui = Object.assign(new Ui(), { extension: options.extension });
    ui.folder = mkdtempSync(join(tmpdir(), 'niwaki-ui-'));
    try {
      ui.workspace = makeWorkspace(join(ui.folder, 'workspace'), workspaceSettings);
      options.prepare?.(ui.workspace);
      ui.server = await startVsCode({
        ...installed,
        workspace: ui.workspace,
        settings: { ...stillSettings, ...settings },
        machineSettings,
        workspaceTrust,
        env: options.env,
        extensions: extensions.map((name) => join(root, 'test', 'fixtures', 'extensions', name)),
      });
      ui.workbench = await openWorkbench(
        ui.server,
        installed === undefined ? { extensionDevelopmentPath: options.extension ?? root } : {},
      );
      ui.page = ui.workbench.page;
      ui.page.on('console', (message) => {
        // Parts of VS Code that the tests' one leaves out on purpose; and the folder of a clone may be called as we are.
        const text = message.text().replaceAll(root, '…');
        if (message.type() === 'error' && !/@vscode\/(?:spdlog|native-watchdog)/.test(text)) {
          ui.errors.push(text);
        }
      });
      await ui.ready();
      return ui;
    } catch (error) {
      await ui.screenshot('failure-start');
      await ui.stop();
      throw error;
    }
  }

  /** A second window on the same folder, with an extension host of its own. It ends with the first. */
  async openWindow() {
    const other = Object.assign(new Ui(), this, { page: await this.workbench.context.newPage() });
    await other.page.goto(this.page.url());
    await other.ready();
    return other;
  }

  /** As a user does it: a page that is left tells its server so. */
  async closeWindow() {
    await this.page.goto('about:blank');
    await this.page.close();
  }

  async stop() {
    await this.workbench?.close();
    await this.server?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Types at the end of the open file, waits for ghost text, and takes it all back. */
  async completes(ms) {
    await this.page.keyboard.press('Enter');
    await this.type('con');
    await this.ghostText.waitFor({ timeout: ms });
    await this.revert();
  }

  get ghostText() {
    return this.page.locator('.editor-instance [class*="ghost-text"]').first();
  }

  /** The whole ghost text; it comes in as many pieces as it has colours. */
  async suggestion() {
    const pieces = await this.page
      .locator('.editor-instance [class*="ghost-text-decoration"]')
      .allTextContents();
    return pieces.join('').replaceAll('\u00a0', ' ');
  }

  async ready(ms = 60_000) {
    await this.saysInStatusBar('Niwaki: ready', ms);
  }

  /** Our own item of the status bar; the editor's language status says the same in its own way. */
  async saysInStatusBar(label, ms = 10_000) {
    await this.page
      .locator(`[id^="niwaki.niwaki"].statusbar-item[aria-label*="${label}"]`)
      .waitFor({ timeout: ms });
  }

  async screenshot(name) {
    await this.page?.screenshot({ path: join(screenshots, `${name}.png`) }).catch(() => {});
  }

  /** As a user chooses one. */
  async useTheme(kind) {
    const [name, css] = themes[kind];
    await this.pick('Preferences: Color Theme');
    const input = this.page.locator('.quick-input-widget input[placeholder^="Select Color Theme"]');
    await input.waitFor();
    await input.fill(name);
    await this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: name }).waitFor();
    await this.page.keyboard.press('Enter');
    await this.page.locator(`.monaco-workbench.${css}`).waitFor();
  }

  /** A screenshot in each kind of theme, NAME-KIND.png. */
  async pictures(name) {
    for (const kind of Object.keys(themes)) {
      await this.useTheme(kind);
      await this.page.mouse.move(0, 0);
      await sleep(300); // colours fade
      await this.screenshot(`${name}-${kind}`);
    }
    await this.useTheme('light');
  }

  /** Processes that VS Code has started whose command line holds `text`. */
  processes(text) {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(readProcess)
      .filter(
        (found) => found !== undefined && found.group === this.server.pid && found.command.includes(text),
      )
      .map((found) => found.pid);
  }

  /** The processes of all language servers. */
  languageServers() {
    return this.processes(join(this.extension ?? root, 'dist', 'server.js'));
  }

  /** The language server's process, in a VS Code with one window. */
  languageServer(ms = 10_000) {
    return until(
      'a language server process',
      () => {
        const found = this.languageServers();
        assert.ok(found.length <= 1, 'one language server a window');
        return found[0];
      },
      ms,
    );
  }

  /**
   * The messages that were shown to the user and not dismissed, in the notification center. (They do not pop up by themselves here:
   * the flag that lets VS Code run extensions under development in a browser switches that off.)
   */
  async notifications() {
    await this.command('Notifications: Show Notifications');
    await this.page.locator('.notifications-center.visible').waitFor();
    return this.page.locator('.notifications-center .notification-list-item');
  }

  /** Waits for a message with this text. The editor has the focus when it is dismissed. */
  async notification(hasText) {
    const found = (await this.notifications()).filter({ hasText }).first();
    await found.waitFor();
    return found;
  }

  async clearNotifications() {
    await this.command('Notifications: Clear All Notifications');
    await this.command('View: Focus Active Editor Group');
  }

  /** An item of the status bar that another extension shows; it has to say exactly this. */
  async otherSays(text, ms = 10_000) {
    await this.page
      .locator('.statusbar-item', { hasText: new RegExp(`^${text}$`) })
      .first()
      .waitFor({ timeout: ms });
  }

  /** Runs a command of the palette by its title. */
  async command(title) {
    await this.pick(title);
    await this.page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
  }

  /** The same for a command that goes on in the palette's place. */
  async pick(title) {
    const input = this.page.locator('.quick-input-widget input').first();
    // By its whole name: while the list is still being filtered, Enter would take whatever is at its top.
    const name = new RegExp(`^${title.replace(/[^\w\s]/g, '\\$&')}$`);
    const option = this.page.locator('.quick-input-list [role=option] .label-name', { hasText: name });
    await until(
      `"${title}" in the palette`,
      async () => {
        // An editor that is just being opened takes the focus, and the palette closes without it.
        await this.page.keyboard.press('F1');
        const chosen = input
          .fill(`>${title}`, { timeout: 2_000 })
          .then(() => option.first().click({ timeout: 5_000 }));
        return chosen.then(
          () => true,
          () => false,
        );
      },
      30_000,
    );
  }

  /** Opens a file of the workspace through the quick-open box, the cursor at its end. */
  async open(name) {
    const input = this.page.locator('.quick-input-widget input').first();
    // The one that Enter takes: until the list has been filtered, that is the file that was open last.
    const first = this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: name });
    await until(
      `"${name}" in the quick-open box`,
      async () => {
        // An editor that is just being opened takes the focus, and the box closes without it.
        await this.page.keyboard.press('Control+P');
        const found = input.fill(name, { timeout: 2_000 }).then(() => first.waitFor({ timeout: 5_000 }));
        return found.then(
          () => true,
          () => false,
        );
      },
      30_000,
    );
    await this.page.keyboard.press('Enter');
    await this.page.locator(`.tab.active[aria-label^="${name}"]`).waitFor();
    await this.page.locator('.editor-instance .monaco-editor.focused').first().waitFor();
    await this.page.keyboard.press('Control+End');
  }

  /**
   * VS Code makes the part of a new editor that shows ghost text when it finds time, up to five seconds later; what is typed
   * earlier is answered by nobody. Types and takes back until there is an answer.
   */
  async warmUp() {
    await until(
      'ghost text in a new editor',
      async () => {
        await this.type('co');
        const shown = await this.ghostText.waitFor({ timeout: 1_500 }).then(
          () => true,
          () => false,
        );
        await this.page.keyboard.press('Escape');
        await this.page.keyboard.press('Backspace');
        await this.page.keyboard.press('Backspace');
        return shown;
      },
      30_000,
    );
    await this.revert();
  }

  /** Real keys, about as fast as people type. */
  async type(text) {
    await this.page.keyboard.type(text, { delay: 60 });
  }

  /** What the file looks like on disk after saving it. */
  async save(name) {
    // What has just been done may have come from elsewhere, the chat's page say, and a key that is pressed while the focus moves is nobody's.
    await this.page
      .locator('.part.editor :focus, .notebook-editor :focus')
      .first()
      .waitFor({ state: 'attached' });
    await this.page.keyboard.press('Control+S');
    await this.page.locator(`.tab.active.dirty`).waitFor({ state: 'detached' });
    // What has no unsaved changes is written as well, which nothing shows; VS Code empties the file first.
    return until(`a text in ${name}`, () => readFileSync(join(this.workspace, name), 'utf8') || undefined);
  }

  /** The text of the editor's last line, without ghost text. Monaco keeps the lines in no order, and writes spaces as non-breaking ones. */
  async lastLine() {
    const lines = await this.page.locator('.editor-instance .view-line').evaluateAll((all) =>
      all.map((line) => {
        const copy = line.cloneNode(true);
        copy.querySelectorAll('[class*="ghost-text"]').forEach((piece) => piece.remove());
        return { top: parseFloat(line.style.top), text: copy.textContent };
      }),
    );
    const last = lines.reduce((lowest, line) => (line.top > lowest.top ? line : lowest));
    return last.text.replaceAll('\u00a0', ' ');
  }

  /** Undoes what a test typed: back to the saved file. */
  async revert() {
    await this.page.keyboard.press('Escape');
    await this.command('File: Revert File');
    await this.page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
    await this.page.keyboard.press('Control+End');
  }

  /** What "Show Engine Info" says: the counters, and the server's process. Leaves the editor as it was. */
  async engineInfo() {
    await this.command('Niwaki: Show Engine Info');
    await this.page.locator('.tab.active[aria-label^="engine-info.md"]').waitFor();
    await this.page.locator('.editor-instance .monaco-editor.focused').first().waitFor();
    await this.page.keyboard.press('Control+End'); // Monaco has only the lines that can be seen; these are the last ones
    const read = async (label) => {
      // Monaco writes spaces as non-breaking ones.
      const hasText = new RegExp(`- ${label}: \\d`.replaceAll(' ', '\\s'));
      const line = this.page.locator('.editor-instance .view-line', { hasText });
      const text = (await line.first().textContent()).replaceAll('\u00a0', ' ');
      return Number(new RegExp(`${label}: (\\d+)`).exec(text)?.[1]);
    };
    const info = {
      pid: await read('Server process'),
      requests: await read('Requests'),
      runs: await read('Runs of the engine'),
      typedAlong: await read('Typed along'),
    };
    await this.command('View: Close Editor');
    await this.page.locator('.tab.active[aria-label^="engine-info.md"]').waitFor({ state: 'detached' });
    return info;
  }
}
