/**
 * Messages to the user. VS Code makes links of `[text](target)` in them, commands among the targets, and names in model files and paths
 * are other people's: nothing in our messages is a link.
 */
import { window } from 'vscode';
import { plainText } from './plainText';

type Show = (text: string, ...buttons: string[]) => Thenable<string | undefined>;

export const messages: Readonly<Record<'info' | 'warn' | 'error', Show>> = {
  info: (text, ...buttons) => window.showInformationMessage(plainText(text), ...buttons),
  warn: (text, ...buttons) => window.showWarningMessage(plainText(text), ...buttons),
  error: (text, ...buttons) => window.showErrorMessage(plainText(text), ...buttons),
};
