/** How the lines of a change look in its view: colours of VS Code's own differences, and signs beside them, because colour alone says nothing to many people. */
import {
  ColorThemeKind,
  OverviewRulerLane,
  Range,
  ThemeColor,
  Uri,
  window,
  type DecorationOptions,
  type Disposable,
  type TextEditor,
  type TextEditorDecorationType,
} from 'vscode';
import type { Shown } from './review';

export interface Marks {
  readonly shown: Shown;
  /** Shown lines that are being written; undefined = none are. */
  readonly writing: Range | undefined;
  /** What is wrong with a shown line, by line. */
  readonly problems: ReadonlyMap<number, string>;
}

/** VS Code takes it for the line's end. */
const longestLine = Number.MAX_SAFE_INTEGER;

const kinds = ['removed', 'added', 'lost', 'writing', 'problem'] as const;
type Kind = (typeof kinds)[number];

const backgrounds: Readonly<Record<Exclude<Kind, 'problem'>, string>> = {
  removed: 'diffEditor.removedLineBackground',
  added: 'diffEditor.insertedLineBackground',
  lost: 'inputValidation.warningBackground',
  writing: 'editor.rangeHighlightBackground',
};
/** In high contrast those have no background. */
const borders: Readonly<Record<Exclude<Kind, 'problem'>, string>> = {
  removed: 'diffEditor.removedTextBorder',
  added: 'diffEditor.insertedTextBorder',
  lost: 'inputValidation.warningBorder',
  writing: 'contrastBorder',
};
const rulers: Readonly<Record<Kind, string>> = {
  removed: 'diffEditorOverview.removedForeground',
  added: 'diffEditorOverview.insertedForeground',
  lost: 'editorOverviewRuler.warningForeground',
  writing: 'editorOverviewRuler.infoForeground',
  problem: 'editorOverviewRuler.errorForeground',
};

export class Decorations implements Disposable {
  private types: Readonly<Record<Kind, TextEditorDecorationType>>;
  private readonly subscription: Disposable;

  /** `onChange`: all that is marked has to be marked anew. */
  constructor(
    private readonly extensionUri: Uri,
    onChange: () => void,
  ) {
    this.types = this.make();
    this.subscription = window.onDidChangeActiveColorTheme(() => {
      this.disposeTypes();
      this.types = this.make();
      onChange();
    });
  }

  show(editor: TextEditor, { shown, writing, problems }: Marks): void {
    const options: Record<Kind, DecorationOptions[]> = {
      ...{ removed: [], added: [], lost: [], problem: [] },
      writing: writing === undefined ? [] : [{ range: writing }],
    };
    for (const [line, { kind }] of shown.lines.entries()) {
      const problem = problems.get(line);
      const range = new Range(line, 0, line, 0);
      if (problem !== undefined) {
        const end = new Range(line, longestLine, line, longestLine);
        options.problem.push({ range: end, renderOptions: { after: { contentText: `  ${problem}` } } });
      }
      if (kind !== 'same') {
        options[kind].push({ range });
      }
    }
    for (const kind of kinds) {
      editor.setDecorations(this.types[kind], options[kind]);
    }
  }

  dispose(): void {
    this.subscription.dispose();
    this.disposeTypes();
  }

  private disposeTypes(): void {
    for (const kind of kinds) {
      this.types[kind].dispose();
    }
  }

  private make(): Readonly<Record<Kind, TextEditorDecorationType>> {
    const { kind: theme } = window.activeColorTheme;
    const isHighContrast =
      theme === ColorThemeKind.HighContrast || theme === ColorThemeKind.HighContrastLight;
    const line = (kind: Exclude<Kind, 'problem'>): TextEditorDecorationType =>
      window.createTextEditorDecorationType({
        isWholeLine: true,
        backgroundColor: new ThemeColor(backgrounds[kind]),
        overviewRulerColor: new ThemeColor(rulers[kind]),
        overviewRulerLane: OverviewRulerLane.Full,
        ...(isHighContrast
          ? { borderWidth: '1px', borderStyle: 'dashed', borderColor: new ThemeColor(borders[kind]) }
          : {}),
        ...(kind === 'writing'
          ? {}
          : {
              gutterIconSize: 'contain',
              light: { gutterIconPath: this.sign(kind, 'light') },
              dark: { gutterIconPath: this.sign(kind, 'dark') },
            }),
      });
    return {
      removed: line('removed'),
      added: line('added'),
      lost: line('lost'),
      writing: line('writing'),
      problem: window.createTextEditorDecorationType({
        after: { color: new ThemeColor('editorError.foreground'), fontStyle: 'italic' },
        overviewRulerColor: new ThemeColor(rulers.problem),
        overviewRulerLane: OverviewRulerLane.Right,
      }),
    };
  }

  private sign(kind: 'removed' | 'added' | 'lost', theme: 'light' | 'dark'): Uri {
    return Uri.joinPath(this.extensionUri, 'media', 'edit', `${kind}-${theme}.svg`);
  }
}
