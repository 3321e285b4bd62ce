/** The pure part of edits: from what a model said to edits of a text. See docs/adr/0018-edits.md. */
export { parseBlocks, type Block, type ParsedBlocks } from './blocks';
export { blockChanges, lineChanges, type BlockOptions, type Changes } from './changes';
export { editorText, withOneLineEnd, type EditorText } from './editorText';
export { answerLines } from './fileLines';
