// The declarations suit a program in TypeScript, and the names that they declare are there.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import * as library from '../lib/index.js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

test('a program in TypeScript compiles', () => {
  const compiler = here('node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '--project', here('types')], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
});

test('what is declared is there, and nothing else', () => {
  const declarations = readFileSync(here('../lib/index.d.ts'), 'utf8');
  const declared = [...declarations.matchAll(/^export (?:class|function) (\w+)/gm)].map(
    ([, name]) => name,
  );
  assert.deepEqual(declared.sort(), Object.keys(library).sort());
});
