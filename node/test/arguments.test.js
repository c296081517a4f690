// What programs hand in by mistake: an error that says so, whatever it is.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  ConfigurationError,
  Connector,
  Engine,
  Mailer,
  SmtpConnectorError,
  UsageError,
} from '../lib/index.js';
import { configuration, loopback, signIn } from './support/configuration.js';

const connector = await new Engine().bundled();
const mailer = await connector.configure(configuration(25), loopback);

const cyclic = configuration(25);
cyclic.tls = { again: [cyclic] };

const getter = {
  get host() {
    throw new Error('no host today');
  },
};

let deep = {};
for (let depth = 0; depth < 100_000; depth += 1) deep = { deep };

test('a value that is no JSON is refused by its place', () => {
  const cases = [
    [cyclic, /the configuration holds itself at `\/tls\/again\/0`/],
    [
      configuration(25, { tls: { checkServerIdentity: () => undefined } }),
      /a function.* at `\/tls\/checkServerIdentity`/,
    ],
    [configuration(25n), /a bigint.* at `\/port`/],
    [configuration(25, { customHeaders: new Map() }), /a Map.* at `\/customHeaders`/],
    [configuration(25, { tls: { ca: Buffer.from([0xff]) } }), /cannot be read/],
    [getter, /cannot be read: no host today/],
    [deep, /cannot be read/],
  ];
  for (const [value, message] of cases) {
    const refused = (error) =>
      error instanceof UsageError && error.kind === 'usage' && message.test(error.message);
    assert.throws(() => connector.checkSync(value), refused);
  }
});

test('a configuration may be the text of one, and bytes in it are text', async () => {
  assert.ok((await connector.check(JSON.stringify(configuration(25)))).ok);
  const { diagnostics } = await connector.check(
    configuration(25, { tls: { ca: Buffer.from('no certificate') } }),
  );
  assert.deepEqual(
    diagnostics.map(({ path }) => path),
    ['/tls/ca'],
  );
});

test('what is no configuration is a finding', async () => {
  for (const value of ['host', '[', null, undefined, 5, [], true]) {
    const { ok, diagnostics } = await connector.check(value);
    assert.deepEqual([ok, diagnostics[0].path], [false, ''], String(value));
    await assert.rejects(connector.configure(value), ConfigurationError);
  }
});

test('wrong types are refused by name', async () => {
  const abort = new AbortController();
  const cases = [
    [() => mailer.send(), /a request must be an object, not a undefined/],
    [
      () => mailer.send({ to: 5, type: 'SignIn' }),
      /`to` of a request must be a string, not a number/,
    ],
    [() => mailer.send({ to: 'jo@example.org' }), /`type` of a request must be a string/],
    [() => mailer.send({ ...signIn(), tpye: 'x' }), /has no member `tpye`/],
    [
      () => mailer.send(signIn(), { deadline: 'soon' }),
      /`deadline` .*must be a number of milliseconds/,
    ],
    [() => mailer.send(signIn(), { deadline: -1 }), /`deadline`/],
    [() => mailer.send(signIn(), { deadline: 1e300 }), /`deadline`/],
    [() => mailer.send(signIn(), { signal: abort }), /`signal` .*must be an AbortSignal/],
    [() => mailer.send(signIn('1', { literal: {} })), /`subject` of `literal`/],
    [() => mailer.send(signIn('1', { literal: { subject: 's' } })), /neither `text` nor `html`/],
    [() => mailer.send(signIn('1', { template: { subject: 's' } })), /`content` is missing/],
    [
      () => mailer.submit({ from: 'a@b.test', to: 'x' }, Buffer.of()),
      /`to` of the envelope must be an array/,
    ],
    [
      () => mailer.submit({ from: 'a@b.test', to: ['x@y.test'] }, 'text'),
      /a mail must be a Uint8Array/,
    ],
    [() => mailer.verify('jo@example.org'), /must be an object, not a string/],
    [() => connector.configure(configuration(25), { egress: 5 }), /`egress`/],
    [() => connector.configure(configuration(25), { egress: 'a,,b' }), /`egress`/],
    [() => connector.configure(configuration(25), { ports: [70000] }), /`ports`/],
    [() => connector.configure(configuration(25), { onRotatedToken: 'x' }), /must be a function/],
    [async () => new Mailer({}), /`configure` of a connector makes a mailer/],
    [async () => new Connector({}), /an `Engine` loads a connector/],
  ];
  for (const [call, message] of cases) {
    await assert.rejects(
      call,
      (error) => error instanceof UsageError && message.test(error.message),
      String(call),
    );
  }
});

test('a payload and addresses that cannot be used have kinds of their own', async () => {
  const cases = [
    [signIn('1', { payload: 'text' }), 'payload'],
    [signIn('1', { payload: [] }), 'payload'],
    [signIn('1', { to: 'jo@example.org, eve@example.org' }), 'address'],
    [signIn('1', { to: 'jo@example.org\r\nRCPT TO:<eve@example.org>' }), 'address'],
    [signIn('1', { messageId: '<a b>' }), 'message'],
  ];
  for (const [request, kind] of cases) {
    await assert.rejects(
      mailer.render(request),
      (error) => error instanceof SmtpConnectorError && error.kind === kind,
      kind,
    );
  }
});
