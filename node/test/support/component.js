// The component as a file: what the build of the native side left behind.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const target = fileURLToPath(new URL('../../../target', import.meta.url));

/** The newest component that was built. */
export const componentFile = () => {
  const files = ['debug', 'release'].flatMap((profile) => built(join(target, profile, 'build')));
  files.sort((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs);
  if (files.length === 0) throw new Error(`no component was built in ${target}`);
  return files[0];
};

const built = (folder) => {
  try {
    const packages = readdirSync(folder).filter((name) =>
      name.startsWith('smtp-connector-component-'),
    );
    return packages.flatMap((name) => wasm(join(folder, name, 'out')));
  } catch {
    return [];
  }
};

const wasm = (folder) => {
  try {
    const names = readdirSync(folder, { recursive: true });
    return names.filter((name) => name.endsWith('guest.wasm')).map((name) => join(folder, name));
  } catch {
    return [];
  }
};
