/** Whether what was written lies where it was to lie: a folder may have become a link since it was looked at. */
import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, sep } from 'node:path';

/** `folder` and `file`: paths on the disk. What is not there leads nowhere. */
export async function leadsOut(folder: string, file: string): Promise<boolean> {
  let inside: string;
  try {
    inside = relative(await realpath(folder), await realpath(file));
  } catch {
    return false;
  }
  return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside);
}
