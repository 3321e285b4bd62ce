/** Changes that a model writes for the user's files. Nothing here changes a file. */
export { Proposer, type EditedDocument, type EditProgress, type ProposerOptions } from './proposer';
