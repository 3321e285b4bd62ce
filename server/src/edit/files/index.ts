/** Files from prompts. */
export { NewFiles, type NewFilesDeps } from './newFiles';
export { mostFiles } from './places';
