// A mailer: renders, sends, verifies, closes, and says what failed.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { AbortError, ConfigurationError, Engine, SmtpConnectorError } from '../lib/index.js';
import { configuration, loopback, signIn } from './support/configuration.js';
import { startPeer } from './support/peer.js';
import { startReceiver } from './support/receiver.js';

const connector = await new Engine().bundled();
const receiver = await startReceiver();
const mailer = await connector.configure(configuration(receiver.port), loopback);
after(async () => {
  await mailer.close();
  await receiver.close();
});

/** A mailer to a peer that answers so. */
const against = async (answer, members) => {
  const peer = await startPeer({ answer });
  const toPeer = await connector.configure(configuration(peer.port, members), loopback);
  return {
    peer,
    mailer: toPeer,
    stop: async () => {
      await peer.close();
      await toPeer.close();
    },
  };
};

test('a message is rendered without being sent', async () => {
  const rendered = await mailer.render(signIn('482913', { messageId: '<1@acme.test>' }));
  assert.equal(rendered.text, 'It is 482913.');
  assert.equal(rendered.from, 'Acme <no-reply@acme.test>');
  assert.deepEqual(rendered.envelope, { from: 'no-reply@acme.test', to: ['jo@example.org'] });
  assert.match(rendered.raw, /^Message-ID: <1@acme\.test>\r$/m);
});

test('a message arrives, and the receipt says how', async () => {
  const receipt = await mailer.send(signIn());
  assert.deepEqual(
    [receipt.accepted, receipt.rejected, receipt.reply.code],
    [['jo@example.org'], [], 250],
  );
  const { mail, envelope } = await receiver.next();
  assert.equal(mail.text.trim(), 'It is 482913.');
  assert.equal(mail.messageId, receipt.messageId);
  assert.deepEqual(envelope, receipt.envelope);
  assert.match(receipt.transcript, /S: 220/);
  assert.doesNotMatch(receipt.transcript, /482913/);
});

test("a template and rendered content take the place of the configuration's", async () => {
  const template = {
    subject: 'Hi {{user.name}}',
    content: '<b>{{code}}</b>',
    sendFrom: '{{app}} <no-reply@acme.test>',
  };
  await mailer.send(
    signIn('1', { template, payload: { code: '1', user: { name: 'Jo' }, app: 'Shop' } }),
  );
  const { mail } = await receiver.next();
  assert.deepEqual(
    [mail.subject, mail.html.trim(), mail.from.text],
    ['Hi Jo', '<b>1</b>', '"Shop" <no-reply@acme.test>'],
  );
  await mailer.send(
    signIn('1', {
      literal: { subject: 'As is', text: 'not {{code}}', html: '<i>not {{code}}</i>' },
    }),
  );
  const literal = (await receiver.next()).mail;
  assert.deepEqual(
    [literal.subject, literal.text.trim(), literal.html.trim()],
    ['As is', 'not {{code}}', '<i>not {{code}}</i>'],
  );
});

test('a written mail is submitted as it is', async () => {
  const raw = Buffer.from('From: Acme <a@acme.test>\r\nSubject: Written\r\n\r\nBody.\r\n');
  const receipt = await mailer.submit(
    { from: 'a@acme.test', to: ['jo@example.org', 'eve@example.org'] },
    raw,
  );
  assert.deepEqual(receipt.accepted, ['jo@example.org', 'eve@example.org']);
  const { mail } = await receiver.next();
  assert.deepEqual([mail.subject, mail.text.trim()], ['Written', 'Body.']);
  await assert.rejects(mailer.submit({ from: '', to: ['<x>'] }, raw), { kind: 'address' });
  await assert.rejects(mailer.submit({ from: '', to: [] }, raw), { kind: 'address' });
});

test('a verification says stage by stage what it found', async () => {
  const sound = await mailer.verify({ to: 'jo@example.org' });
  assert.equal(sound.ok, true);
  assert.deepEqual(
    sound.stages.map(({ stage }) => stage).filter((stage) => stage === 'rcpt'),
    ['rcpt'],
  );
  const {
    peer,
    mailer: refused,
    stop,
  } = await against((verb) => (verb === 'GREETING' ? '554 5.7.1 go away' : undefined));
  const { ok, error } = await refused.verify();
  assert.deepEqual(
    [ok, error instanceof SmtpConnectorError, error.stage, error.code],
    [false, true, 'greeting', 554],
  );
  assert.equal(peer.taken.length, 0);
  await stop();
});

test('an error has kind, stage, code, reply and hint', async () => {
  const { mailer: refused, stop } = await against((verb) =>
    verb === 'RCPT' ? '550 5.1.1 no such user' : undefined,
  );
  const error = await refused.send(signIn()).catch((thrown) => thrown);
  assert.ok(error instanceof SmtpConnectorError);
  const { kind, stage, code, enhanced, reply, transient, ambiguous, attempts } = error;
  assert.deepEqual(
    { kind, stage, code, enhanced, reply, transient, ambiguous, attempts },
    {
      kind: 'refused',
      stage: 'rcpt',
      code: 550,
      enhanced: '5.1.1',
      reply: 'no such user',
      transient: false,
      ambiguous: false,
      attempts: 1,
    },
  );
  assert.equal(JSON.parse(JSON.stringify(error)).message, error.message);
  assert.match(error.transcript, /550 5\.1\.1/);
  await stop();
});

test('a configuration with errors tells all of them', async () => {
  const broken = { host: 5, port: 'x', auth: { user: 'a' } };
  const error = await connector.configure(broken, loopback).catch((thrown) => thrown);
  assert.ok(error instanceof ConfigurationError);
  const paths = error.diagnostics.map(({ path }) => path);
  for (const path of ['/host', '/port', '/fromEmail', '/templates'])
    assert.ok(paths.includes(path), path);
});

test('mail goes to public addresses only, unless told', async () => {
  const careful = await connector.configure(configuration(receiver.port));
  const error = await careful.send(signIn()).catch((thrown) => thrown);
  assert.deepEqual([error.kind, error.transient], ['egress', false]);
  await careful.close();
});

test('a deadline gives a message up', async () => {
  const {
    peer,
    mailer: slow,
    stop,
  } = await against((verb) => (['MAIL', 'RCPT', 'DATA'].includes(verb) ? null : undefined));
  const error = await slow.send(signIn(), { deadline: 200 }).catch((thrown) => thrown);
  assert.deepEqual([error.kind, error.ambiguous, peer.taken.length], ['expired', false, 0]);
  await stop();
});

test('a message that is given up before its end never goes out', async () => {
  const abort = new AbortController();
  const reason = new Error('the user left');
  const {
    peer,
    mailer: slow,
    stop,
  } = await against((verb) => {
    if (verb !== 'DATA') return undefined;
    abort.abort(reason);
    return null;
  });
  const error = await slow.send(signIn(), { signal: abort.signal }).catch((thrown) => thrown);
  assert.ok(error instanceof AbortError && error instanceof SmtpConnectorError);
  assert.deepEqual(
    [error.name, error.kind, error.ambiguous, error.cause],
    ['AbortError', 'aborted', false, reason],
  );
  assert.equal(peer.taken.length, 0);
  await stop();
});

test('a message that is given up after its end is ambiguous', async () => {
  const abort = new AbortController();
  const { mailer: slow, stop } = await against((verb) => {
    if (verb !== 'DOT') return undefined;
    abort.abort();
    return null;
  });
  const error = await slow.send(signIn(), { signal: abort.signal }).catch((thrown) => thrown);
  assert.deepEqual(
    [error.name, error.ambiguous, error.transient, error.stage],
    ['AbortError', true, false, 'content'],
  );
  await stop();
});

test('a signal that has fired before starts nothing, and one that fires later changes nothing', async () => {
  const { peer, mailer: quick, stop } = await against();
  await assert.rejects(quick.send(signIn(), { signal: AbortSignal.abort() }), AbortError);
  assert.equal(peer.taken.length, 0);
  const abort = new AbortController();
  await quick.send(signIn(), { signal: abort.signal });
  abort.abort();
  assert.equal(peer.taken.length, 1);
  await stop();
});

test('a closed mailer sends nothing further', async () => {
  const { peer, mailer: closed, stop } = await against();
  await closed.send(signIn());
  await closed.close();
  await closed.close();
  await assert.rejects(closed.send(signIn()), { kind: 'closed' });
  assert.equal(peer.taken.length, 1);
  await stop();
});
