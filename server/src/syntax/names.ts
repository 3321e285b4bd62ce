/** Where a name is used in a text, as its tree says: what it names there, and where it is declared. No types: what a member belongs to, nobody knows. */
import type { Node, Tree } from '@vscode/tree-sitter-wasm';
import type { TextKind } from './lexer';
import { kindInTree } from './nodes';

/** Offsets; `end` is not included. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/**
 * name: of a variable, function, type. member: behind a dot, a key, or declared in a class. both: one word for a key and the variable beside
 * it (`{ name }`): changing it changes both.
 */
export type NameRole = 'name' | 'member' | 'both';

export interface NameUse extends TextRange {
  readonly role: NameRole;
  readonly declares: boolean;
  /** What the innermost declaration of the name around this place is good for; undefined = the text has none around it. Of a `name` only. */
  readonly scope: TextRange | undefined;
}

/** What stands at a place. */
export interface PlaceSyntax {
  /** Undefined where the text is broken. */
  readonly kind: TextKind | undefined;
  /** Types of the smallest node around it and of the one around that. */
  readonly node: string;
}

/** Labels are names of their own. */
const nameType =
  /(?<!statement_)identifier|^(?:name|constant|variable_name|class_name|id_name|property_name|word)$/;
const memberType = /property_identifier|field_identifier|property_name/;

/** What may stand between a declaration and the name that it declares. */
const wrapper =
  /^(?:\w*declarator|\w*_pattern|pattern|parameters|formal_parameters|dotted_name|as_pattern_target|variable_list|pattern_list|expression_list|identifier_list|tuple_pattern|type|qualified_identifier|lexical_declaration|variable_declaration|import_clause|named_imports|namespace_import)$/;
const declaration =
  /(?:definition|declaration|declarator|parameter|specifier|signature|import_\w+|aliased_import|_item|_spec|enumerator|enum_body|catch_clause|for_in_statement|for_range_loop|for_statement|assignment|as_pattern|type_alias|preproc_def|preproc_function_def|enum_assignment|lambda|lambda_expression|arrow_function|short_var_declaration|let_declaration)$/;
/** Fields in which a declaration has its name. Others hold types, values and bodies. */
const nameField = /^(?:name|declarator|pattern|parameter|parameters|alias|left|names?)$/;

/** What names that are declared within it are good for, and nothing else. */
const scopeType =
  /^(?:program|translation_unit|source_file|module|compilation_unit|\w*function\w*|\w*method\w*|\w*lambda\w*|\w*closure\w*|constructor_declaration|statement_block|compound_statement|block|class_body|declaration_list|field_declaration_list|interface_body|enum_body|\w*for_\w+|for_range_loop|catch_clause|template_declaration|class_definition|switch_body|type_alias_declaration|if_statement|comprehension|list_comprehension|generator_expression)$/;
const notScope = /declarator|function_type|method_signature|abstract_|call/;
/** Their own name is declared outside them. */
const outward = /function|method|class|constructor/;

function fieldOf(node: Node): string {
  const { parent } = node;
  if (parent === null) {
    return '';
  }
  for (let i = 0; i < parent.childCount; i += 1) {
    if (parent.child(i)?.id === node.id) {
      return parent.fieldNameForChild(i) ?? '';
    }
  }
  return '';
}

interface Declared {
  readonly declares: boolean;
  /** The node that declares. */
  readonly by: Node | undefined;
}

const undeclared: Declared = { declares: false, by: undefined };

/** Climbs from a name through patterns and declarators to what declares it. */
function declaredBy(leaf: Node): Declared {
  let node = leaf;
  for (let depth = 0; depth < 8; depth += 1) {
    const { parent } = node;
    if (parent === null) {
      return undeclared;
    }
    const field = fieldOf(node);
    const { type } = parent;
    if (/^import_clause|namespace_import$/.test(type)) {
      return { declares: true, by: parent };
    }
    if (type === 'import_specifier' && field === 'name' && parent.childForFieldName('alias') !== null) {
      return undeclared; // another file's name
    }
    if (type === 'export_specifier' || type === 'type_annotation') {
      return undeclared;
    }
    if (type === 'object_pattern' || type === 'array_pattern' || type === 'pair_pattern') {
      if (field === 'key') {
        return undeclared;
      }
      node = parent;
      continue;
    }
    if (type === 'assignment_pattern' && field !== 'left') {
      return undeclared;
    }
    if (
      type === 'for_in_statement' &&
      !/^for\s*(?:await\s*)?\(\s*(?:const|let|var)\b/.test(parent.text.slice(0, 40))
    ) {
      return undeclared;
    }
    if (type === 'assignment') {
      return field === 'left' ? { declares: true, by: parent } : undeclared; // as in Python, where nothing else declares
    }
    const listed =
      field === '' &&
      /parameters|_parameter|type_parameter|structured_binding|reference_declarator|dotted_name|as_pattern_target|pattern|list$/.test(
        type,
      );
    if (declaration.test(type) && !type.endsWith('declarator') && (nameField.test(field) || listed)) {
      return { declares: true, by: parent };
    }
    if (type === 'variable_declarator' || type === 'init_declarator') {
      if (field !== 'name' && field !== 'declarator') {
        return undeclared;
      }
      if (type === 'variable_declarator') {
        return { declares: true, by: parent };
      }
    } else if (/^(?:formal_parameters|parameters|lambda_parameters)$/.test(type)) {
      return { declares: true, by: parent };
    } else if (!(wrapper.test(type) && (nameField.test(field) || listed))) {
      return undeclared;
    }
    node = parent;
  }
  return undeclared;
}

/** In Python blocks and loops keep no names to themselves. */
const openInPython = /^(?:block|for_\w+|if_statement|\w*with_\w+)$/;

function isScope(node: Node): boolean {
  const { type } = node;
  const open = openInPython.test(type) && node.tree.rootNode.type === 'module';
  return scopeType.test(type) && !notScope.test(type) && !open;
}

/** What a declaration is good for. */
function scopeOfDeclaration(leaf: Node, by: Node): Node {
  let node: Node = by;
  // A function's own name is known around it, its parameters within it.
  const own = outward.test(by.type) && !by.type.includes('parameter') && isNameOf(leaf, by);
  if (own && by.parent !== null) {
    node = by.parent;
  }
  while (!isScope(node) && node.parent !== null) {
    node = node.parent;
  }
  return node;
}

function isNameOf(leaf: Node, by: Node): boolean {
  const name = by.childForFieldName('name') ?? by.childForFieldName('declarator');
  const parameters = (name ?? by).descendantsOfType(['formal_parameters', 'parameter_list', 'parameters'])[0];
  return (
    name !== null &&
    name.startIndex <= leaf.startIndex &&
    leaf.endIndex <= name.endIndex &&
    (parameters == null || leaf.endIndex <= parameters.startIndex)
  );
}

/** `{ name }` in its ways of writing, `export { name }` among them; and a key of Go's literals, which is a field in one and a variable in another: only types tell. */
function isBoth(leaf: Node): boolean {
  const { parent } = leaf;
  const keyed = parent?.type === 'literal_element' ? parent.parent : parent;
  return (
    /^shorthand_(?:property|field)_identifier/.test(leaf.type) ||
    parent?.type === 'shorthand_field_initializer' ||
    (parent?.type === 'export_specifier' && parent.childForFieldName('alias') === null) ||
    (keyed?.type === 'keyed_element' && keyed.firstNamedChild?.startIndex === leaf.startIndex)
  );
}

function roleOf(leaf: Node): NameRole {
  if (isBoth(leaf)) {
    return 'both';
  }
  if (memberType.test(leaf.type)) {
    return 'member';
  }
  const field = fieldOf(leaf);
  const parent = leaf.parent?.type ?? '';
  const behindDot =
    field === 'attribute' ||
    field === 'field' ||
    field === 'property' ||
    field === 'method' ||
    (field === 'name' && /access|invocation|scoped|qualified|keyword_argument|member/.test(parent));
  return behindDot ? 'member' : 'name';
}

const wordCharacter = /[\p{L}\p{N}_$]/u;

/** Offsets at which a text has a word. */
export function occurrencesOf(text: string, word: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
    if (!wordCharacter.test(text[at - 1] ?? '') && !wordCharacter.test(text[at + word.length] ?? '')) {
      found.push(at);
    }
  }
  return found;
}

function leavesOf(tree: Tree, text: string, name: string): Node[] {
  return occurrencesOf(text, name).flatMap((at) => {
    const leaf = tree.rootNode.descendantForIndex(at, at + name.length);
    const isName = leaf?.startIndex === at && leaf.endIndex === at + name.length && nameType.test(leaf.type);
    return leaf !== null && isName ? [leaf] : [];
  });
}

/** In the order of the text. What is in strings and comments is no name. */
export function namesInTree(tree: Tree, text: string, name: string): NameUse[] {
  const leaves = leavesOf(tree, text, name);
  const known = leaves.map((leaf) => ({ leaf, role: roleOf(leaf), ...declaredBy(leaf) }));
  const scopes = known
    .filter(({ role, by }) => role !== 'member' && by !== undefined)
    .map(({ leaf, by }) => scopeOfDeclaration(leaf, by as Node));
  return known.map(({ leaf, role, declares, by }) => {
    const around =
      role === 'member'
        ? undefined
        : declares && by !== undefined
          ? scopeOfDeclaration(leaf, by)
          : scopes
              .filter(
                ({ startIndex, endIndex }) => startIndex <= leaf.startIndex && leaf.endIndex <= endIndex,
              )
              .sort((a, b) => a.endIndex - a.startIndex - (b.endIndex - b.startIndex))[0];
    return {
      ...{ start: leaf.startIndex, end: leaf.endIndex, role, declares },
      scope: around && { start: around.startIndex, end: around.endIndex },
    };
  });
}

export function placeInTree(tree: Tree, { start, end }: TextRange): PlaceSyntax {
  const leaf = tree.rootNode.descendantForIndex(start, Math.max(start + 1, end));
  return {
    kind: kindInTree(tree, Math.min(start + 1, tree.rootNode.endIndex)),
    node: `${leaf?.parent?.type ?? ''} ${leaf?.type ?? ''}`,
  };
}
