/** Syntax trees, and rules where there are none: what is code, where blocks are open, what belongs together. */
export * from './blockEnd';
export type { Chunk, ChunkOptions } from './chunks';
export { addedFaults, type Fault } from './faults';
export { grammarNames, traitsOf, type Lexis } from './languages';
export { kindOf, scan, type LexState, type TextKind } from './lexer';
export type { ImportStatement, ModuleNames } from './modules';
export { occurrencesOf, type NameRole, type NameUse, type PlaceSyntax, type TextRange } from './names';
export { scopeOf, type Scope } from './scope';
export { columnsOf, indentAt, partnerOf, type CloseBracket, type OpenBracket } from './surroundings';
export { Syntax } from './syntax';
export type { SourceText } from './trees';
