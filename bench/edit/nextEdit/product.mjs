/** The server's own sources, its engine and the embedded model, for replays. Nothing is loaded before a part asks. */
import { join } from 'node:path';
import { require as load } from 'tsx/cjs/api';

const source = (path) => load(`../../../server/src/${path}.ts`, import.meta.url);
const log = {
  info: () => undefined,
  warn: (text) => console.error(text),
  error: (text) => console.error(text),
};

/** What decides, without a model. */
export const nextEditSources = () => ({
  ...source('edit/next/index'),
  ...source('edit/next/changes'),
  ...source('edit/next/tokens'),
});

export function openSyntax(root) {
  const { Syntax } = source('syntax/index');
  return new Syntax(join(root, 'dist', 'syntax'), log);
}

/** The embedded model, loaded as the product loads it. */
export async function openModel({ root, addonPath, selfTestChild }) {
  const { createNativeEngine } = source('engine/index');
  const { automaticChoice, embeddedCalibrationPath, embeddedModelPath, KvCalibrator, ModelHost } =
    source('models/index');
  const engine = createNativeEngine({ addonPath, selfTestChild });
  const calibrator = new KvCalibrator({
    ...{ engine, log, embeddedPath: embeddedCalibrationPath(root), idleMs: 0 },
    text: () => Promise.resolve(''),
    mayWork: () => Promise.resolve(false), // what ships with the model is read, nothing is made
  });
  const host = new ModelHost({ engine, embeddedPath: embeddedModelPath(root), log, calibrator });
  const problem = await host.load(automaticChoice);
  if (problem !== '') {
    throw new Error(problem);
  }
  return { engine, host };
}
