/**
 * The privacy report: what may be read, what is kept where, what could reach the network, what exactly runs, and the settings. Made of
 * what is found out when it is asked for; how the network is kept shut is as the server found it when it started.
 */
import type { BinariesRequest, HashedFile, StoredFiles, StoredKind } from '#protocol';
import type { l10n as Localization } from 'vscode';
import { formatBytes } from './numbers';
import type { Report, ReportAction, ReportRow, ReportSection } from './report';

type L10n = Pick<typeof Localization, 't'>;

export interface PrivacyFacts {
  readonly date: Date;
  readonly extensionVersion: string;
  readonly vscodeVersion: string;
  /** '' = a local window; else the kind of remote. */
  readonly remote: string;
  readonly trusted: boolean;
  /** Whether all of the workspace's folders are virtual. */
  readonly virtual: boolean;
  /** Names of the workspace's folders. */
  readonly folders: readonly string[];
  readonly settings: readonly {
    readonly key: string;
    readonly value: unknown;
    readonly fallback: unknown;
  }[];
  /** null = the server could not be asked. */
  readonly storage: readonly StoredFiles[] | null;
  /** Where the server keeps what it keeps. */
  readonly storageFolder: string;
  /** Of this window. */
  readonly logFolder: string;
  /** null = the server could not be asked. */
  readonly binaries: BinariesRequest.Result | null;
}

function settingOf(facts: PrivacyFacts, key: string): unknown {
  return facts.settings.find((setting) => setting.key === key)?.value;
}

/** What comes from elsewhere than the document at the cursor. */
function othersInWords(facts: PrivacyFacts, l10n: L10n): readonly string[] {
  if (settingOf(facts, 'context.enabled') !== true) {
    return [l10n.t('No other file is used: niwaki.context.enabled is off.')];
  }
  const open = l10n.t(
    'Files that are open in this window, and up to eight that were closed lately, as the editor has them.',
  );
  if (facts.virtual) {
    return [open, l10n.t('From disk no text: the workspace is a virtual one.')];
  }
  return [
    open,
    facts.trusted
      ? l10n.t(
          'From disk, within the workspace folder of the file that you type in: files in which something is defined that you use at the cursor (niwaki.context.enabled is on).',
        )
      : l10n.t(
          'From disk no text: this workspace is not trusted, so no definitions are looked up in other files.',
        ),
  ];
}

function readSection(facts: PrivacyFacts, l10n: L10n): ReportSection {
  const lines = [
    l10n.t('The file that you type in, as the editor has it.'),
    ...othersInWords(facts, l10n),
    l10n.t(
      'What you attach to a message of the chat: files and folders of the workspace, problems, changes. A file that you name yourself also where only .gitignore names it; never one that holds secrets by its name or that .niwakiignore names.',
    ),
    l10n.t(
      'Ignore files (.gitignore, .niwakiignore) in the workspace folders, which say what may not be read or completed.',
    ),
    l10n.t(
      'Never shown beside another file: what .gitignore, .niwakiignore or files.exclude name, what holds secrets by its name (.env, keys), links, and whatever is outside the workspace folder.',
    ),
    facts.folders.length === 0
      ? l10n.t('Workspace folders: none')
      : l10n.t('Workspace folders: {0}', facts.folders.join(', ')),
  ];
  return { title: l10n.t('What may be read'), lines: lines.map((text) => ({ text })) };
}

function kindInWords(kind: StoredKind, l10n: L10n): string {
  switch (kind) {
    case 'savedContext':
      return l10n.t(
        'Saved context: what models have read. As secret as your text; only where niwaki.kv.diskMB is above 0',
      );
    case 'calibration':
      return l10n.t('Calibrations: figures about models, nothing of your text');
    case 'strategy':
      return l10n.t('How models are best asked: figures about models, nothing of your text');
    case 'models':
      return l10n.t('Copies of model files that you imported');
    case 'conversations':
      return l10n.t(
        'Conversations, with the contents of what you attached to them. As secret as your text; of all workspaces',
      );
    case 'other':
      return l10n.t('Anything else in the extension’s storage folder');
    case 'commandLine':
      return l10n.t(
        'What “niwaki” on the command line has kept: figures about models, and models imported there',
      );
  }
}

function purgeAction(kind: StoredKind, l10n: L10n): ReportAction | undefined {
  const label = l10n.t('Delete');
  switch (kind) {
    case 'savedContext':
      return {
        label,
        spoken: l10n.t('Delete saved context'),
        command: 'niwaki.purgeFromReport',
        args: [kind],
      };
    case 'calibration':
      return {
        label,
        spoken: l10n.t('Delete calibrations'),
        command: 'niwaki.purgeFromReport',
        args: [kind],
      };
    case 'strategy':
      return {
        label,
        spoken: l10n.t('Delete what was found out about how models are best asked'),
        command: 'niwaki.purgeFromReport',
        args: [kind],
      };
    case 'conversations':
      return {
        label,
        spoken: l10n.t('Delete all conversations'),
        command: 'niwaki.purgeFromReport',
        args: [kind],
      };
    case 'models':
      return {
        label: l10n.t('Manage…'),
        spoken: l10n.t('Manage models'),
        command: 'niwaki.manageModels',
      };
    case 'other':
    case 'commandLine':
      return undefined;
  }
}

function diskSection(facts: PrivacyFacts, l10n: L10n): ReportSection {
  const rows = (facts.storage ?? []).map(({ kind, folder, bytes, files }): ReportRow => {
    const size =
      files === 0 ? l10n.t('nothing') : l10n.t('{0} in {1} files', formatBytes(bytes), String(files));
    const action = files === 0 ? undefined : purgeAction(kind, l10n);
    return { cells: [kindInWords(kind, l10n), folder, size], ...(action && { action }) };
  });
  const log: ReportRow = {
    cells: [
      l10n.t('Log: faults and versions. No source text, no prompts'),
      facts.logFolder,
      l10n.t('VS Code deletes it after some days'),
    ],
  };
  return {
    title: l10n.t('What is kept on this machine'),
    lines: [
      {
        text: l10n.t(
          'In memory only, gone with the window: the texts, prompts made of them, suggestions, counters, and what the model has read.',
        ),
      },
      ...(facts.storage === null
        ? [
            {
              text: l10n.t(
                'How much there is on disk is not known, as the server could not be asked. Its folder: {0}',
                facts.storageFolder,
              ),
            },
          ]
        : facts.storage.length === 0
          ? [{ text: l10n.t('On disk nothing: the server was told of no folder.') }]
          : []),
    ],
    table: { head: [l10n.t('On disk'), l10n.t('Where'), l10n.t('How much')], rows: [...rows, log] },
  };
}

function fileRow({ path, bytes, sha256 }: HashedFile, l10n: L10n): ReportRow {
  return { cells: [path, formatBytes(bytes), sha256 === '' ? l10n.t('cannot be read') : sha256] };
}

function binariesSection({ binaries, ...facts }: PrivacyFacts, l10n: L10n): ReportSection {
  const versions = l10n.t('Niwaki {0} in VS Code {1}', facts.extensionVersion, facts.vscodeVersion);
  if (binaries === null) {
    const unknown = l10n.t('Which files run is not known, as the server could not be asked.');
    return {
      title: l10n.t('What exactly runs'),
      lines: [{ text: versions }, { tone: 'bad', text: unknown }],
    };
  }
  const { node, platform, arch, release } = binaries.runtime;
  const where = facts.remote === '' ? l10n.t('this machine') : facts.remote;
  return {
    title: l10n.t('What exactly runs'),
    lines: [
      { text: versions },
      {
        text: l10n.t('The server: Node {0} on {1} {2} ({3}), {4}', node, platform, arch, release, where),
      },
    ],
    table: {
      head: [l10n.t('File'), l10n.t('Size'), 'SHA-256'],
      rows: binaries.files.map((file) => fileRow(file, l10n)),
    },
  };
}

function settingsSection({ settings }: PrivacyFacts, l10n: L10n): ReportSection {
  const rows = settings.map(({ key, value, fallback }): ReportRow => {
    const [now, before] = [JSON.stringify(value), JSON.stringify(fallback)];
    return { cells: [`niwaki.${key}`, now, now === before ? l10n.t('default') : l10n.t('changed')] };
  });
  return {
    title: l10n.t('Settings'),
    lines: [],
    table: { head: [l10n.t('Setting'), l10n.t('Value'), l10n.t('Default?')], rows },
  };
}

/** `network` comes first: it is what most people open the report for. */
export function privacyReport(facts: PrivacyFacts, network: ReportSection, l10n: L10n): Report {
  return {
    title: l10n.t('Niwaki: Privacy Report'),
    introduction: l10n.t(
      'As found on {0}. This report was made on this machine and is sent nowhere.',
      facts.date.toISOString().replace(/\.\d+Z$/, 'Z'),
    ),
    actions: [
      {
        label: l10n.t('Export…'),
        spoken: l10n.t('Export this report as a file'),
        command: 'niwaki.exportPrivacyReport',
      },
      {
        label: l10n.t('Look Again'),
        spoken: l10n.t('Make this report anew'),
        command: 'niwaki.showPrivacyReport',
      },
      {
        label: l10n.t('Settings'),
        spoken: l10n.t('Open Niwaki’s settings'),
        command: 'workbench.action.openSettings',
        args: ['@ext:niwaki.niwaki'],
      },
    ],
    sections: [
      network,
      readSection(facts, l10n),
      diskSection(facts, l10n),
      binariesSection(facts, l10n),
      settingsSection(facts, l10n),
    ],
  };
}
