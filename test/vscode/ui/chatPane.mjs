/** The chat's view in a real VS Code, as tests look at it and use it. */
import { until } from './support.mjs';

/** Milliseconds within which what is expected in the view is there. */
export const visibleMs = 20_000;

export class ChatPane {
  /** @param {import('./support.mjs').Ui} ui */
  constructor(ui) {
    this.ui = ui;
  }

  /** The page, which is two frames deep. */
  get frame() {
    return this.ui.page.frameLocator('iframe.webview.ready').last().frameLocator('iframe#active-frame');
  }

  get input() {
    return this.frame.locator('.composer.main textarea');
  }

  /** @param {'user' | 'assistant'} role */
  last(role) {
    return this.frame.locator(`.message.${role}`).last();
  }

  answered(text) {
    return this.last('assistant').filter({ hasText: text }).waitFor({ timeout: visibleMs });
  }

  /** The input has the focus, and so has the page in the window: an input is its page's active element all the time. */
  focused() {
    return until('the input has the focus', () =>
      this.input.evaluate((one) => one === one.ownerDocument.activeElement && one.ownerDocument.hasFocus()),
    );
  }

  async newConversation() {
    await this.ui.command('Niwaki: New Conversation');
    await this.input.waitFor({ timeout: visibleMs });
    await until('a new conversation', async () => (await this.frame.locator('.message').count()) === 0);
    await this.focused();
  }

  /** With real keys. */
  async ask(text) {
    await this.input.fill('');
    await this.ui.type(text);
    await this.ui.page.keyboard.press('Enter');
    await this.last('user').filter({ hasText: text }).waitFor({ timeout: visibleMs });
  }
}
