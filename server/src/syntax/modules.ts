/** What an ECMAScript module imports, exports and names, as its tree says: for adding an import that is missing. */
import type { Node, Tree } from '@vscode/tree-sitter-wasm';

export interface ImportStatement {
  /** An offset, as all here, behind the statement's `;` and attributes. */
  readonly end: number;
  /** What it is imported from. */
  readonly from: string;
  readonly quote: string;
  readonly hasSemicolon: boolean;
  /** The names between its braces; undefined where it has none, is of types alone, or has comments there. */
  readonly names: { readonly end: number; readonly isListed: boolean; readonly indent: string } | undefined;
}

export interface ModuleNames {
  /** At the top level. */
  readonly imports: readonly ImportStatement[];
  readonly exports: readonly { readonly name: string; readonly isType: boolean }[];
  /** All names that stand by themselves: no members, keys, attributes, texts and comments. */
  readonly used: ReadonlySet<string>;
  /** Those that something in the text declares, wherever: variables, parameters, functions, classes, imports. */
  readonly declared: ReadonlySet<string>;
}

const values =
  /^(?:function_declaration|generator_function_declaration|class_declaration|abstract_class_declaration|enum_declaration|internal_module|module)$/;
const types = /^(?:interface_declaration|type_alias_declaration)$/;
/** Between a declaration and the names in its pattern. */
const pattern = /^(?:\w+_pattern|required_parameter|optional_parameter)$/;

function childrenOf(node: Node): Node[] {
  return node.children.filter((child) => child !== null);
}

function isType(node: Node): boolean {
  return childrenOf(node).some(({ type }) => type === 'type');
}

function importOf(node: Node): ImportStatement | undefined {
  const clause = node.namedChildren.find((child) => child?.type === 'import_clause');
  const source = node.childForFieldName('source');
  if (clause === undefined || clause === null || source === null || node.hasError) {
    return undefined;
  }
  const named = clause.namedChildren.find((child) => child?.type === 'named_imports');
  const inside = named?.namedChildren.filter((child) => child !== null) ?? [];
  const last = inside.at(-1);
  const isPlain =
    !isType(node) && last !== undefined && inside.every(({ type }) => type === 'import_specifier');
  const before = isPlain ? (named?.text.slice(0, last.startIndex - named.startIndex) ?? '') : '';
  const quoted = source.text;
  return {
    end: node.endIndex,
    from: quoted.slice(1, -1),
    quote: quoted.slice(0, 1),
    hasSemicolon: node.text.endsWith(';'),
    names: isPlain
      ? {
          end: last.endIndex,
          isListed: before.includes('\n'),
          indent: /^[ \t]*/.exec(before.slice(before.lastIndexOf('\n') + 1))?.[0] ?? '',
        }
      : undefined,
  };
}

function exportsOf(node: Node): { name: string; isType: boolean }[] {
  const declaration = node.childForFieldName('declaration');
  if (declaration !== null) {
    const name = declaration.childForFieldName('name')?.text ?? '';
    if (values.test(declaration.type) || types.test(declaration.type)) {
      return /^[\p{ID_Start}$_]/u.test(name) ? [{ name, isType: types.test(declaration.type) }] : [];
    }
    return declaration.namedChildren.flatMap((child) => {
      const declared = child?.type === 'variable_declarator' ? child.childForFieldName('name') : null;
      return declared?.type === 'identifier' ? [{ name: declared.text, isType: false }] : [];
    });
  }
  const clause = node.namedChildren.find((child) => child?.type === 'export_clause');
  return (clause?.namedChildren ?? []).flatMap((child) => {
    const name = (child?.childForFieldName('alias') ?? child?.childForFieldName('name'))?.text ?? '';
    return child?.type !== 'export_specifier' || name === '' || name === 'default'
      ? []
      : [{ name, isType: isType(node) || isType(child) }];
  });
}

/** Whether this name is one that is declared here, and not one that is used. */
function declares(leaf: Node): boolean {
  if (leaf.type === 'shorthand_property_identifier_pattern') {
    return true;
  }
  let node = leaf;
  let { parent } = node;
  while (parent !== null && pattern.test(parent.type)) {
    if (
      parent.childForFieldName('right')?.id === node.id ||
      parent.childForFieldName('value')?.id === node.id
    ) {
      // A default's value is used. What a pair of a pattern names is declared.
      if (parent.type !== 'pair_pattern') {
        return false;
      }
    }
    node = parent;
    ({ parent } = node);
  }
  const by = parent;
  if (by === null) {
    return false;
  }
  const isNamed = ['name', 'parameter', 'alias', 'left'].some(
    (field) => by.childForFieldName(field)?.id === node.id,
  );
  return (
    /^(?:formal_parameters|import_clause|namespace_import|import_specifier|catch_clause|type_parameter)$/.test(
      by.type,
    ) ||
    (isNamed &&
      /(?:declaration|declarator|signature|internal_module|^module|arrow_function|function_expression|^class|for_in_statement)$/.test(
        by.type,
      ))
  );
}

/** Of a text in TypeScript or JavaScript. Undefined for other trees. */
export function namesOfModule(tree: Tree): ModuleNames | undefined {
  const { rootNode } = tree;
  if (rootNode.type !== 'program') {
    return undefined;
  }
  const top = rootNode.namedChildren.filter((child) => child !== null);
  const used = new Set<string>();
  const declared = new Set<string>();
  const leaves = rootNode.descendantsOfType([
    ...['identifier', 'type_identifier', 'shorthand_property_identifier'],
    'shorthand_property_identifier_pattern',
  ]);
  for (const leaf of leaves) {
    if (leaf !== null) {
      (declares(leaf) ? declared : used).add(leaf.text);
    }
  }
  return {
    imports: top.flatMap((node) => (node.type === 'import_statement' ? (importOf(node) ?? []) : [])),
    exports: top.flatMap((node) =>
      node.type === 'export_statement' && node.childForFieldName('source') === null ? exportsOf(node) : [],
    ),
    used,
    declared,
  };
}
