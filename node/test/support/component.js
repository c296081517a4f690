// The component as a file: the one that the build of the native side took, or left behind.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const target = fileURLToPath(new URL('../../../target', import.meta.url));

/** The component that the environment names, as it does for the build, or else the newest one. */
export const componentFile = () => {
  const ready = process.env.SMTP_CONNECTOR_COMPONENT;
  if (ready) return ready;
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
