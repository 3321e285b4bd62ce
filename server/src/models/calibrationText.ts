/** The text that ships with Niwaki for calibrating, and for measuring what came of it (scripts/make-calibration-text.mjs). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface CalibrationText {
  readonly calibrate: string;
  /** Shares nothing with the other: nothing is measured on what it was calibrated on. */
  readonly measure: string;
}

/** Rejects when the file is not there or not what it should be. */
export async function bundledText(extensionPath: string): Promise<CalibrationText> {
  const path = join(extensionPath, 'models', 'calibration.txt');
  const [calibrate, measure] = (await readFile(path, 'utf8')).split('\f\n');
  if (calibrate === undefined || measure === undefined) {
    throw new Error(`"${path}" is incomplete. Reinstall Niwaki.`);
  }
  return { calibrate, measure };
}
