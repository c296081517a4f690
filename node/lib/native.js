// Finds and loads the native side: the package of this platform, or the file that `build` made.

import { createRequire } from 'node:module';

import { platform } from './platform.js';

const require = createRequire(import.meta.url);

const load = () => {
  const name = platform();
  const places = [`../smtp-connector.${name}.node`, `@smtp-connector/${name}`];
  const reasons = [];
  for (const place of places) {
    try {
      return require(place);
    } catch (error) {
      reasons.push(`${place}: ${error.message.split('\n')[0]}`);
    }
  }
  throw new Error(
    `smtp-connector has no native file for ${name}; build one with \`node/build\` in its source.\n` +
      reasons.map((reason) => `  ${reason}`).join('\n'),
  );
};

export default load();
