/** What a prompt may show besides the file itself, and what must never be shown. */
export type { AskDefinitions, DefinitionAnswer, DefinitionPlace } from './definitions';
export * from './part';
export { ContextPlanner, type PathText, type PlannedPlace } from './planner';
export type { LiveDocument } from './recentDocuments';
export type { TextPosition } from './names';
export { ChosenFiles, type ChosenFile, type ChosenFolder, type Refused } from './chosenFiles';
