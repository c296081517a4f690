// The transport of nodemailer: its documented options of a message work, or are refused by name.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { createTransport } from 'nodemailer';

import { smtpConnector } from '../lib/index.js';
import { loopback } from './support/configuration.js';
import { startPeer } from './support/peer.js';
import { startReceiver } from './support/receiver.js';

const receiver = await startReceiver();
const server = { host: '127.0.0.1', port: receiver.port };
const transport = createTransport(smtpConnector(server, loopback), {
  from: 'Acme <no-reply@acme.test>',
});
after(async () => {
  await transport.close();
  await receiver.close();
});

const message = { to: 'jo@example.org', subject: 'Hi', text: 'Hello' };

/** Sends a message with further options; gives what arrived and what nodemailer is told. */
const sent = async (options) => {
  const info = await transport.sendMail({ ...message, ...options });
  return { info, ...(await receiver.next()) };
};

test("a message arrives, and the information is nodemailer's", async () => {
  const { info, mail, envelope } = await sent({});
  assert.deepEqual(
    [mail.from.text, mail.to.text, mail.subject, mail.text.trim()],
    ['"Acme" <no-reply@acme.test>', 'jo@example.org', 'Hi', 'Hello'],
  );
  assert.deepEqual(info.accepted, ['jo@example.org']);
  assert.deepEqual([info.rejected, info.rejectedErrors], [[], undefined]);
  assert.deepEqual(info.envelope, { from: 'no-reply@acme.test', to: ['jo@example.org'] });
  assert.deepEqual(envelope, info.envelope);
  assert.equal(info.messageId, mail.messageId);
  assert.match(info.response, /^250 /);
  assert.ok(info.messageSize > 100 && info.envelopeTime >= 0 && info.messageTime >= 0);
});

test('the documented options of a message work', async () => {
  const header =
    (name) =>
    ({ mail }) =>
      mail.headers.get(name);
  const cases = [
    [
      { from: { name: 'Größe, GmbH', address: 'a@acme.test' } },
      ({ mail }) => mail.from.value[0],
      { address: 'a@acme.test', name: 'Größe, GmbH' },
    ],
    [{ sender: 's@acme.test' }, ({ mail }) => mail.headers.get('sender').text, 's@acme.test'],
    [{ to: ['a@x.test', 'B <b@x.test>'] }, ({ envelope }) => envelope.to, ['a@x.test', 'b@x.test']],
    [
      { cc: 'c@x.test' },
      ({ envelope, mail }) => [envelope.to, mail.cc.text],
      [['jo@example.org', 'c@x.test'], 'c@x.test'],
    ],
    [
      { bcc: 'c@x.test' },
      ({ envelope, mail }) => [envelope.to, mail.bcc],
      [['jo@example.org', 'c@x.test'], undefined],
    ],
    [
      { replyTo: 'Help <help@acme.test>' },
      ({ mail }) => mail.replyTo.text,
      '"Help" <help@acme.test>',
    ],
    [
      { html: '<b>Hello</b>' },
      ({ mail }) => [mail.text.trim(), mail.html.trim()],
      ['Hello', '<b>Hello</b>'],
    ],
    [{ headers: { 'X-Tag': ['one', 'two'] } }, header('x-tag'), ['one', 'two']],
    [
      { messageId: '<mine@acme.test>' },
      ({ mail, info }) => [mail.messageId, info.messageId],
      ['<mine@acme.test>', '<mine@acme.test>'],
    ],
    [
      { inReplyTo: '<1@x.test>', references: '<0@x.test>' },
      ({ mail }) => [mail.inReplyTo, mail.references],
      ['<1@x.test>', '<0@x.test>'],
    ],
    [
      { date: new Date('2026-01-02T03:04:05Z') },
      ({ mail }) => mail.date.toISOString(),
      '2026-01-02T03:04:05.000Z',
    ],
    [{ priority: 'high' }, header('priority'), 'high'],
    [
      { list: { unsubscribe: 'https://acme.test/u' } },
      ({ mail }) => mail.headers.get('list').unsubscribe.url,
      'https://acme.test/u',
    ],
    [
      { attachments: [{ filename: 'a.txt', content: 'attached' }] },
      ({ mail }) => mail.attachments[0].content.toString(),
      'attached',
    ],
    [
      { alternatives: [{ contentType: 'text/x-web-markdown', content: '**Hello**' }] },
      ({ mail }) => mail.attachments[0].content.toString(),
      '**Hello**',
    ],
    [
      { icalEvent: { method: 'request', content: 'BEGIN:VCALENDAR\r\nEND:VCALENDAR' } },
      ({ mail }) => mail.attachments.some(({ contentType }) => contentType === 'text/calendar'),
      true,
    ],
    [
      { text: 'ä'.repeat(50), textEncoding: 'base64' },
      ({ mail }) => mail.text.trim(),
      'ä'.repeat(50),
    ],
    [
      { envelope: { from: 'bounce@acme.test', to: 'other@x.test' } },
      ({ envelope }) => envelope,
      { from: 'bounce@acme.test', to: ['other@x.test'] },
    ],
    [
      {
        raw: 'From: x@acme.test\r\nSubject: raw\r\n\r\n.dot\n',
        envelope: { from: 'x@acme.test', to: ['jo@example.org'] },
      },
      ({ mail }) => [mail.subject, mail.text.trim()],
      ['raw', '.dot'],
    ],
    [{ xMailer: 'Acme' }, header('x-mailer'), 'Acme'],
  ];
  for (const [options, read, expected] of cases) {
    assert.deepEqual(read(await sent(options)), expected, JSON.stringify(Object.keys(options)));
  }
});

test('what this transport cannot carry out is refused by name', async () => {
  const cases = [
    [{ dsn: { notify: 'failure' } }, /`dsn`/],
    [{ auth: { user: 'a', pass: 'b' } }, /`auth`/],
    [{ requireTLSExtensionEnabled: true }, /`requireTLSExtensionEnabled`/],
    [
      { envelope: { from: 'a@acme.test', to: 'b@x.test', size: 10, use8BitMime: true } },
      /`envelope.size`, `envelope.use8BitMime`/,
    ],
  ];
  for (const [options, name] of cases) {
    await assert.rejects(
      transport.sendMail({ ...message, ...options }),
      (error) => name.test(error.message) && error.code === 'ECONFIG',
    );
  }
  assert.equal(receiver.arrived.length, 0);
});

test("errors have nodemailer's members", async () => {
  const peer = await startPeer({
    answer: (_verb, line) => (/^RCPT .*no@/.test(line) ? '550 5.1.1 unknown' : undefined),
  });
  const toPeer = createTransport(smtpConnector({ host: '127.0.0.1', port: peer.port }, loopback));
  const from = 'a@acme.test';
  const some = await toPeer.sendMail({ ...message, from, to: ['no@x.test', 'yes@x.test'] });
  assert.deepEqual([some.accepted, some.rejected], [['yes@x.test'], ['no@x.test']]);
  assert.deepEqual(
    [some.rejectedErrors[0].responseCode, some.rejectedErrors[0].recipient],
    [550, 'no@x.test'],
  );
  const error = await toPeer
    .sendMail({ ...message, from, to: 'no@x.test' })
    .catch((thrown) => thrown);
  assert.deepEqual(
    [error.code, error.responseCode, error.response, error.stage],
    ['EENVELOPE', 550, '550 5.1.1 unknown', 'rcpt'],
  );
  toPeer.close();
  await peer.close();
});

test('a configuration with errors fails each message, and a verification', async () => {
  const broken = createTransport(smtpConnector({ host: 5 }, loopback));
  for (const call of [() => broken.sendMail(message), () => broken.verify()]) {
    await assert.rejects(call, (error) => error.code === 'ECONFIG' && error.diagnostics.length > 0);
  }
});

test('a verification says true, and callbacks work', async () => {
  assert.equal(await transport.verify(), true);
  assert.equal(
    await new Promise((resolve) => transport.verify((error, sound) => resolve(error ?? sound))),
    true,
  );
  const info = await new Promise((resolve, reject) =>
    transport.sendMail(message, (error, told) => (error ? reject(error) : resolve(told))),
  );
  assert.deepEqual(info.accepted, ['jo@example.org']);
  await receiver.next();
  assert.equal(transport.isIdle(), true);
});

test('a signal gives a message up', async () => {
  const abort = new AbortController();
  const peer = await startPeer({
    answer(verb) {
      if (verb !== 'MAIL') return undefined;
      abort.abort();
      return null;
    },
  });
  const toPeer = createTransport(smtpConnector({ host: '127.0.0.1', port: peer.port }, loopback));
  const error = await toPeer
    .sendMail({ ...message, from: 'a@acme.test', signal: abort.signal })
    .catch((thrown) => thrown);
  assert.deepEqual([error.name, error.code, error.ambiguous], ['AbortError', 'ABORT_ERR', false]);
  await peer.close();
  toPeer.close();
});
