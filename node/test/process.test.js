// The package in a process: how it ends, several threads of it, several copies of the package.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL, fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';

import { Engine, SmtpConnectorError } from '../lib/index.js';
import { configuration, loopback, signIn } from './support/configuration.js';
import { startPeer } from './support/peer.js';

const run = promisify(execFile);
const packageFolder = fileURLToPath(new URL('..', import.meta.url));
const library = new URL('../lib/index.js', import.meta.url).href;
const folder = mkdtempSync(join(tmpdir(), 'smtp-connector-'));
const peer = await startPeer();
after(async () => {
  await peer.close();
  rmSync(folder, { recursive: true });
});

/** A program that makes a mailer, and does something with it. */
const program = (body, port = peer.port) => `
  import { Engine } from ${JSON.stringify(library)};
  const connector = await new Engine().bundled();
  const mailer = await connector.configure(${JSON.stringify(configuration(port))}, ${JSON.stringify(loopback)});
  const request = ${JSON.stringify(signIn())};
  ${body}`;

/** Runs a program of its own; it must end by itself. */
const inProcess = (body) =>
  run(process.execPath, ['--input-type=module', '--eval', program(body)], { timeout: 60_000 });

test('a program ends by itself, whether or not it closes its mailer', async () => {
  for (const body of [
    '',
    'await mailer.send(request)',
    'await mailer.send(request); await mailer.close()',
  ]) {
    const { stderr } = await inProcess(body);
    assert.equal(stderr, '');
  }
});

test('a program ends while messages are under way, when it says so', async () => {
  const silent = await startPeer({ answer: (verb) => (verb === 'MAIL' ? null : undefined) });
  const body =
    'mailer.send(request).catch(() => undefined); setTimeout(() => process.exit(7), 300);';
  const script = program(body, silent.port);
  await assert.rejects(
    run(process.execPath, ['--input-type=module', '--eval', script], { timeout: 60_000 }),
    {
      code: 7,
      signal: null,
    },
  );
  await silent.close();
});

test('an exception in a callback is a warning of the process', async () => {
  // The token endpoint replaces the refresh token, and who is told of it throws.
  const script = `
    import { once } from 'node:events';
    import { createServer } from 'node:http';
    import { Engine } from ${JSON.stringify(library)};
    const endpoint = createServer((request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ access_token: 'token', refresh_token: 'replaced-token', expires_in: 3600 }));
    }).listen(0, '127.0.0.1');
    await once(endpoint, 'listening');
    const auth = { type: 'OAuth2', user: 'u@acme.test', clientId: 'c', clientSecret: 's', refreshToken: 'first-token',
      accessUrl: 'http://127.0.0.1:' + endpoint.address().port };
    const connector = await new Engine().bundled();
    const config = { ...${JSON.stringify(configuration(peer.port))}, auth, forceAuth: true, ignoreTLS: true };
    const mailer = await connector.configure(config, { egress: 'any', onRotatedToken({ user, refreshToken }) {
      console.log(user, refreshToken);
      throw new Error('no room for it');
    } });
    process.on('warning', (warning) => { console.log(warning.name, warning.message); endpoint.close(); mailer.close(); });
    await mailer.send(${JSON.stringify(signIn())}).catch((error) => console.log(error.stage));
    endpoint.closeAllConnections();`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
    timeout: 60_000,
  });
  assert.match(stdout, /u@acme\.test replaced-token/);
  assert.match(stdout, /SmtpConnectorWarning .*no room for it/);
});

/** Runs a module in a thread of this process; gives its exit code. */
const inThread = (name, body) => {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, program(body));
  const worker = new Worker(file);
  return {
    worker,
    ended: new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject)),
  };
};

test('threads send on their own, and their end leaves the others alone', async () => {
  const before = peer.taken.length;
  const threads = Array.from({ length: 4 }, (_, index) =>
    inThread(
      `sends-${index}`,
      'for (let sent = 0; sent < 20; sent += 1) await mailer.send(request);',
    ),
  );
  assert.deepEqual(await Promise.all(threads.map(({ ended }) => ended)), [0, 0, 0, 0]);
  assert.equal(peer.taken.length, before + 80);
});

test('a thread may be terminated in the middle of messages', async () => {
  const forever =
    'const work = async () => { for (;;) await mailer.send(request); }; work(); work(); await work();';
  for (let round = 0; round < 5; round += 1) {
    const before = peer.taken.length;
    const { worker, ended } = inThread(`terminated-${round}`, forever);
    while (peer.taken.length < before + 5) await setTimeout(5);
    await worker.terminate();
    await ended;
  }
  const connector = await new Engine().bundled();
  const mailer = await connector.configure(configuration(peer.port), loopback);
  assert.equal((await mailer.send(signIn())).reply.code, 250);
  await mailer.close();
});

test('two copies of the package live in one process', async () => {
  const copy = join(folder, 'copy');
  cpSync(packageFolder, copy, {
    recursive: true,
    filter: (source) =>
      !/\/(test|connector|src|node_modules)(\/|$)/.test(source.slice(packageFolder.length - 1)),
  });
  const other = await import(pathToFileURL(join(copy, 'lib/index.js')));
  assert.notEqual(other.Engine, Engine);
  const [one, two] = await Promise.all([new Engine().bundled(), new other.Engine().bundled()]);
  const mailers = await Promise.all(
    [one, two].map((loaded) => loaded.configure(configuration(peer.port), loopback)),
  );
  for (const receipt of await Promise.all(mailers.map((mailer) => mailer.send(signIn())))) {
    assert.equal(receipt.reply.code, 250);
  }
  await Promise.all(mailers.map((mailer) => mailer.close()));
  await assert.rejects(
    other.Engine.prototype.load.call(new other.Engine(), new Uint8Array()),
    (error) => {
      assert.ok(
        error instanceof other.SmtpConnectorError && !(error instanceof SmtpConnectorError),
      );
      return error.kind === 'component';
    },
  );
});

test('WebAssembly of Node and that of the package catch their own faults', async () => {
  // (module (memory 1) (func (export "read") (param i32) (result i32) (i32.load (local.get 0))))
  const bytes = Buffer.from(
    '0061736d0100000001060160017f017f030201000503010001070801047265616400000a0901070020002802000b',
    'hex',
  );
  const { instance } = await WebAssembly.instantiate(bytes);
  const outside = () => instance.exports.read(1 << 30);
  assert.throws(outside, WebAssembly.RuntimeError);
  const size = 8 << 20;
  const cramped = await new Engine({
    limits: { memoryBytes: size, configurationBytes: 2 * size },
  }).bundled();
  const large = JSON.stringify(configuration(25, { tls: { ca: 'x'.repeat(size) } }));
  const { diagnostics } = await cramped.check(large);
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['too-complex'],
  );
  assert.throws(outside, WebAssembly.RuntimeError);
});
