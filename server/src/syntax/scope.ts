/** What stands at a place of a document, for deciding what may be suggested there. Plain data. */
import { bodyAt, type BlockOpener } from './body';
import { traitsOf, type BlockStyle } from './languages';
import { kindOf, type LexState, type TextKind } from './lexer';
import { surroundingsOf, type CloseBracket, type OpenBracket } from './surroundings';

export interface Scope {
  readonly languageId: string;
  readonly kind: TextKind;
  /** Whether the body of a block is to be written here: several lines may be suggested. */
  readonly multiLine: boolean;
  /** White space before the line in which that block begins; with `multiLine` only. */
  readonly blockIndent: string;
  /** Whether what ends that block is there already. */
  readonly blockClosed: boolean;
  /** Brackets that have been opened in that block before the cursor. */
  readonly blockInner: number;
  readonly blocks: BlockStyle;
  /** Brackets that are open at the cursor, innermost first. */
  readonly open: readonly OpenBracket[];
  /** Brackets behind the cursor that close nothing behind the cursor, in order. */
  readonly close: readonly CloseBracket[];
  /** Whether those are all. */
  readonly closeComplete: boolean;
  /** Whether brackets and quotes of a suggestion can be checked: not where tree and rules disagree. */
  readonly checkable: boolean;
  readonly state: LexState;
  readonly lineBreak: '\n' | '\r\n';
  /** Who says so: a syntax tree, or the rules for indentation and brackets alone. */
  readonly source: 'tree' | 'rules';
}

export interface TreeAnswers {
  readonly kind: TextKind | undefined;
  readonly opensBlock: BlockOpener;
}

/** `tree`: what a syntax tree of the text says; without one the rules decide alone. */
export function scopeOf(languageId: string, text: string, offset: number, tree?: TreeAnswers): Scope {
  const traits = traitsOf(languageId);
  const surroundings = surroundingsOf(text, offset, traits.lexis);
  const lexical = kindOf(surroundings.state);
  // A tree knows heredocs and the like. At the end of a comment's or a broken string's line it cannot tell, the rules can.
  const kind =
    tree?.kind === undefined || (tree.kind === 'code' && lexical === 'comment') ? lexical : tree.kind;
  const agreed = kind === lexical;
  const state = agreed || kind !== 'code' ? surroundings.state : [];
  const body =
    kind === 'code'
      ? bodyAt({
          text,
          offset,
          languageId,
          traits,
          surroundings: { ...surroundings, state },
          isBlock: tree?.opensBlock,
        })
      : undefined;
  const firstBreak = text.indexOf('\n');
  return {
    languageId,
    kind,
    multiLine: body !== undefined,
    blockIndent: body?.indent ?? '',
    blockClosed: body?.closed ?? false,
    blockInner: body?.inner ?? 0,
    blocks: traits.blocks,
    open: surroundings.open,
    close: surroundings.close,
    closeComplete: surroundings.complete,
    checkable: traits.lexis.brackets && (agreed || kind === 'code'),
    state,
    lineBreak: firstBreak > 0 && text.charCodeAt(firstBreak - 1) === 13 ? '\r\n' : '\n',
    source: tree === undefined ? 'rules' : 'tree',
  };
}
