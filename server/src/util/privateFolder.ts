/** Folders and files that are written for the user alone. */
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';

/**
 * Makes a folder of the user's own, and those above it. Rejects where a link stands in its place: what is written would lie somewhere
 * else than the privacy report says, and is deleted where it is not.
 */
export async function makePrivateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (!(await lstat(folder)).isDirectory()) {
    throw new Error(
      `"${folder}" is a link to another folder. Niwaki writes through no link: replace it with a folder.`,
    );
  }
}

/**
 * All or nothing: whoever reads meanwhile sees the old file or the new one. The file that is being written has a name that nobody
 * foresees, so that nobody's link is there. What a killed process leaves of it is counted in the privacy report and deleted with the rest.
 */
export async function writeWhole(path: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}
