/** Where the model lies that ships inside the extension. Nothing depends on its size or quality, only on its being there. */
import { join } from 'node:path';

export function embeddedModelPath(extensionPath: string): string {
  return join(extensionPath, 'models', 'nano.gguf');
}

/** Its KV calibration (scripts/make-nano-calibration.mjs). */
export function embeddedCalibrationPath(extensionPath: string): string {
  return join(extensionPath, 'models', 'nano.kvc');
}
