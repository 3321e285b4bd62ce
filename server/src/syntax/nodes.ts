/** What the grammars' node types mean to us. */
import type { Node, Tree } from '@vscode/tree-sitter-wasm';
import type { TextKind } from './lexer';

const stringType =
  /^(?:string|template_string|char|char_literal|character|character_literal|string_literal|raw_string|raw_string_literal|interpreted_string_literal|verbatim_string_literal|interpolated_string_expression|heredoc|heredoc_body|nowdoc|nowdoc_string|encapsed_string|system_lib_string|regex|string_value|ansi_c_string|translated_string|string_array|subshell)$/;
/** Code within a string. */
const holeType =
  /^(?:template_substitution|interpolation|string_interpolation|expansion|command_substitution)$/;
/** A brace or colon of these begins a value, not a block. */
const valueType =
  /object|dictionary|initializer|literal|hash|array|pattern|pair|slice|lambda|typed_|argument|import|export|substitution|interpolation|jsx|use_list|parameter|expression_list/;

/** Levels of the tree within which a fault makes it unreliable. */
const nearby = 6;

/** What the place is in; undefined where the text is broken and the tree a guess. */
export function kindInTree(tree: Tree, offset: number): TextKind | undefined {
  let node: Node | null = tree.rootNode.descendantForIndex(Math.max(0, offset - 1), offset);
  let kind: TextKind = 'code';
  for (let depth = 0; node !== null; node = node.parent, depth += 1) {
    const { type } = node;
    if (depth < nearby && node.parent !== null && node.hasError) {
      return undefined;
    }
    const inside = node.startIndex < offset && offset < node.endIndex;
    if (holeType.test(type) && inside) {
      return 'code';
    }
    if (inside && type.includes('comment')) {
      return 'comment';
    }
    if (inside && stringType.test(type)) {
      kind = 'string';
      break;
    }
  }
  return kind;
}

/** Whether the `{` or `:` at `at` opens a block; undefined where the tree does not say. */
export function opensBlock(tree: Tree, at: number): boolean | undefined {
  const leaf = tree.rootNode.descendantForIndex(at, at + 1);
  const parent = leaf?.parent;
  if (
    leaf === null ||
    (leaf.type !== '{' && leaf.type !== ':') ||
    parent == null ||
    parent.type === 'ERROR'
  ) {
    return undefined;
  }
  return parent.parent !== null && !valueType.test(parent.type);
}
