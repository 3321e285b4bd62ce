/** Jinja templates, bounded and with Python's meaning. */
export { Evaluator } from './evaluate';
export { globals, strftime } from './globals';
export { parseTemplate, type Statement } from './nodes';
export { Room, TemplateExcess } from './room';
export { TextSearch } from './text';
export { fromJson, type Value } from './values';
