/**
 * Finds the addon on disk and loads it. The file is never bundled: it is loaded by absolute path, from the folder beside the
 * bundle (dist/native/<platform>-<arch>/niwaki.node).
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { searchFolders } from '../util/searchFolders';
import { bindingVersion, type NativeBinding } from './binding';
import { EngineError } from './port';

const addonName = 'niwaki.node';
/** The addon for this machine. Throws `not_found` when it was not built or not shipped. */
export function findAddon(start: string = __dirname): string {
  const machine = `${process.platform}-${process.arch}`;
  const candidates = searchFolders(start).flatMap((folder) => [
    join(folder, 'native', machine, addonName),
    join(folder, 'dist', 'native', machine, addonName),
  ]);
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found === undefined) {
    throw new EngineError(
      'not_found',
      `Niwaki's engine for ${machine} is missing (native/${machine}/${addonName}). Install the build of Niwaki for this ` +
        'platform; in a source checkout run "node scripts/build-native.mjs".',
    );
  }
  return found;
}

/** Loads the addon into this process. Do so only after the self-test in a child process has passed (selfTest.ts). */
export function loadAddon(addonPath: string): NativeBinding {
  let binding: NativeBinding;
  try {
    binding = createRequire(addonPath)(addonPath) as NativeBinding;
  } catch (error) {
    throw new EngineError(
      'unsupported',
      `Niwaki's engine (${addonPath}) cannot be loaded on this system: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (binding.bindingVersion !== bindingVersion) {
    throw new EngineError(
      'unsupported',
      `Niwaki's engine (${addonPath}) has version ${String(binding.bindingVersion)} of its interface, this server needs ` +
        `${String(bindingVersion)}. Reinstall Niwaki; in a source checkout run "node scripts/build-native.mjs".`,
    );
  }
  return binding;
}
