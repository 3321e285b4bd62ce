/** What a user attaches to a question or a request: read once, and as much of it shown to the model as fits. */
export { collect, diffSections, shownDiff, type Collected, type Piece } from './collect';
export { fitAttachments, unfitted, type CountTokens, type KeptAttachment } from './fit';
export { readAttachment, readAttachments } from './readAttachment';
