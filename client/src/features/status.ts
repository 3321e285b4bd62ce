/** The status bar and the language status: what runs, whether it is ready, what is wrong. */
import type { NetworkState, ServerStatus } from '#protocol';
import {
  Disposable,
  l10n,
  languages,
  LanguageStatusSeverity,
  StatusBarAlignment,
  ThemeColor,
  window,
  type LanguageStatusItem,
  type StatusBarItem,
} from 'vscode';
import type { NiwakiContext } from '../context';
import { documentSelector, isWrittenIn } from '../documents';
import { formatBytes, formatRate } from '../ui/numbers';
import { messages } from '../ui/messages';

/** A job shorter than this leaves the status bar as it is. */
const busyDelayMs = 400;

type Refused = 'secret' | 'niwakiignore';
type Shown = 'starting' | 'asleep' | 'ready' | 'off' | 'offHere' | Refused | 'failed' | 'stopped' | 'busy';

function labels(): Readonly<Record<Shown, readonly [icon: string, label: string]>> {
  return {
    starting: ['$(loading~spin)', l10n.t('Niwaki: starting')],
    asleep: ['$(sparkle)', l10n.t('Niwaki: ready, the model is loaded when you type')],
    ready: ['$(sparkle)', l10n.t('Niwaki: ready')],
    busy: ['$(sync~spin)', l10n.t('Niwaki: thinking')],
    off: ['$(circle-slash)', l10n.t('Niwaki: completions are off')],
    offHere: ['$(circle-slash)', l10n.t('Niwaki: completions are off for this language')],
    secret: ['$(circle-slash)', l10n.t('Niwaki: no completions here, by its name this file holds secrets')],
    niwakiignore: ['$(circle-slash)', l10n.t('Niwaki: no completions here, a .niwakiignore names this file')],
    failed: ['$(warning)', l10n.t('Niwaki: no model')],
    stopped: ['$(warning)', l10n.t('Niwaki: not running')],
  };
}

function summary(status: ServerStatus): string {
  const parts = [status.model];
  if (status.kernels !== '') {
    parts.push(l10n.t('{0} kernels, {1} threads', status.kernels, status.threads));
  }
  if (status.tokensPerSecond > 0) {
    parts.push(l10n.t('{0} tokens/s', formatRate(status.tokensPerSecond)));
  }
  const { weights, kv, scratch } = status.memory;
  if (weights > 0) {
    parts.push(l10n.t('{0} of memory', formatBytes(weights + kv + scratch)));
  }
  if (status.quiet) {
    parts.push(l10n.t('quiet mode'));
  }
  return parts.filter((part) => part !== '').join(' · ');
}

/** What keeps the server from the network, in a line. */
function networkSummary({ filter, airGapped }: NetworkState): string {
  const parts = [
    filter.state === 'installed'
      ? l10n.t('The system refuses Niwaki every network connection')
      : l10n.t('Niwaki opens no network connection; the system does not enforce it here'),
  ];
  if (airGapped.on) {
    parts.push(l10n.t('air-gapped'));
  }
  return parts.join(' · ');
}

class StatusView implements Disposable {
  private readonly item: StatusBarItem = window.createStatusBarItem(
    'niwaki.status',
    StatusBarAlignment.Right,
    100,
  );
  private readonly languageItem: LanguageStatusItem = languages.createLanguageStatusItem('niwaki.status', [
    ...documentSelector,
  ]);
  private readonly subscriptions: Disposable[];
  private busyTimer: NodeJS.Timeout | undefined;
  private showsBusy = false;
  private reportedProblem = '';
  /** Of the active editor's document. */
  private refusal: { readonly uri: string; readonly reason: '' | Refused } | undefined;

  constructor(private readonly context: NiwakiContext) {
    this.item.name = 'Niwaki';
    this.item.command = 'niwaki.showMenu';
    this.languageItem.name = 'Niwaki';
    this.languageItem.command = { command: 'niwaki.showEngineInfo', title: l10n.t('Engine Info') };
    const update = (): void => {
      this.update();
    };
    this.subscriptions = [
      context.server.onStatus(update),
      context.config.onDidChange(update),
      window.onDidChangeActiveTextEditor(update),
    ];
    this.update();
    this.item.show();
  }

  dispose(): void {
    clearTimeout(this.busyTimer);
    for (const subscription of [...this.subscriptions, this.item, this.languageItem]) {
      subscription.dispose();
    }
  }

  private update(): void {
    const { status, network, startRefusal } = this.context.server;
    this.trackBusy(status?.state === 'busy');
    this.askForRefusal(status !== undefined);
    const shown = this.shown(status);
    const [icon, label] = labels()[shown];
    const detail = status === undefined ? '' : summary(status);
    const silence = status === undefined || network === undefined ? '' : networkSummary(network);
    const problem = status?.problem ?? startRefusal;
    this.item.text = `${problem === '' ? icon : '$(warning)'} Niwaki`;
    this.item.accessibilityInformation = { label, role: 'button' };
    this.item.tooltip = [label, detail, silence, problem].filter((line) => line !== '').join('\n');
    const wrong = problem !== '' || shown === 'failed' || shown === 'stopped';
    this.item.backgroundColor = wrong ? new ThemeColor('statusBarItem.warningBackground') : undefined;
    this.languageItem.text = label;
    this.languageItem.detail = problem === '' ? detail : problem;
    this.languageItem.busy = shown === 'starting';
    this.languageItem.severity = wrong ? LanguageStatusSeverity.Warning : LanguageStatusSeverity.Information;
    if (status !== undefined && shown !== 'starting') {
      this.report(problem); // while another model is being tried it is not yet known how the sentence ends
    }
  }

  private shown(status: ServerStatus | undefined): Shown {
    const { config } = this.context;
    const languageId = window.activeTextEditor?.document.languageId;
    if (!config.completionsEnabled()) {
      return 'off';
    }
    if (status === undefined) {
      return this.context.server.givenUp ? 'stopped' : this.context.server.notNeeded ? 'asleep' : 'starting';
    }
    if (status.state === 'failed') {
      return 'failed';
    }
    if (status.state === 'starting' || status.state === 'loading') {
      return 'starting';
    }
    if (languageId !== undefined && !config.languageEnabled(languageId)) {
      return 'offHere';
    }
    if (this.refusal !== undefined && this.refusal.reason !== '') {
      return this.refusal.reason;
    }
    if (status.state === 'asleep') {
      return 'asleep';
    }
    return this.showsBusy ? 'busy' : 'ready';
  }

  /** Once for each document that becomes the active one. */
  private askForRefusal(running: boolean): void {
    const document = window.activeTextEditor?.document;
    if (document === undefined || !running || !isWrittenIn(document)) {
      this.refusal = undefined;
      return;
    }
    const uri = document.uri.toString();
    if (this.refusal?.uri === uri) {
      return;
    }
    this.refusal = { uri, reason: '' };
    this.context.server.refusal(document.uri).then(
      (reason) => {
        if (reason !== '' && this.refusal?.uri === uri) {
          this.refusal = { uri, reason };
          this.update();
        }
      },
      () => undefined, // a server that has just gone; the next one is asked again
    );
  }

  private trackBusy(busy: boolean): void {
    if (!busy) {
      clearTimeout(this.busyTimer);
      this.busyTimer = undefined;
      this.showsBusy = false;
    } else {
      this.busyTimer ??= setTimeout(() => {
        this.showsBusy = true;
        this.update();
      }, busyDelayMs);
    }
  }

  /** A new problem is said once, aloud. */
  private report(problem: string): void {
    if (problem === this.reportedProblem) {
      return;
    }
    this.reportedProblem = problem;
    if (problem === '') {
      return;
    }
    const choose = l10n.t('Choose Model…');
    const showLog = l10n.t('Show Log');
    void messages.warn(`Niwaki: ${problem}`, choose, showLog).then((chosen) => {
      if (chosen === showLog) {
        this.context.log.show();
      } else if (chosen === choose) {
        return this.context.runCommand('niwaki.chooseModel');
      }
      return undefined;
    });
  }
}

export function activate(context: NiwakiContext): Disposable {
  return new StatusView(context);
}
