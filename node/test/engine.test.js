// The engine: what it loads, and what it refuses.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { Engine, SmtpConnectorError, UsageError } from '../lib/index.js';
import { componentFile } from './support/component.js';
import { configuration } from './support/configuration.js';

const engine = new Engine();

test('the bundled component describes itself', async () => {
  const { descriptor } = await engine.bundled();
  assert.equal(descriptor.target, 'smtp');
  assert.ok(descriptor.examples.some(({ id }) => id === 'gmail'));
});

test('a component is loaded from bytes and from a file', async () => {
  const bytes = await readFile(componentFile());
  for (const load of [engine.load(bytes), engine.loadFile(componentFile())]) {
    const { ok } = await (await load).check(configuration(25));
    assert.ok(ok);
  }
});

test('what is no component is refused by kind', async () => {
  const cases = [
    [() => engine.load(new Uint8Array([0, 97, 115, 109])), 'component'],
    [() => engine.load(new Uint8Array()), 'component'],
    [() => engine.loadFile('/nowhere/absent.wasm'), 'input'],
  ];
  for (const [load, kind] of cases) {
    await assert.rejects(
      load,
      (error) => error instanceof SmtpConnectorError && error.kind === kind,
    );
  }
});

test('settings bound a component, and say what they cannot be', async () => {
  const bounded = await new Engine({ limits: { configurationBytes: 100 } }).bundled();
  const { ok, diagnostics } = await bounded.check(configuration(25));
  assert.deepEqual([ok, diagnostics.map(({ code }) => code)], [false, ['too-large']]);
  const cases = [
    [
      { limits: { memoryBytes: '1' } },
      /`memoryBytes` of `limits` must be a number .*, not a string/,
    ],
    [{ limits: { stackBytes: -1 } }, /must be a number without fraction/],
    [{ limit: {} }, /has no member `limit`, but cacheDirectory, limits/],
    [null, /must be an object, not null/],
  ];
  for (const [settings, message] of cases) {
    assert.throws(
      () => new Engine(settings),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  }
});
