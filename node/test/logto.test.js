// The packed connector in Logto's own loader, beside Logto's own SMTP connector: the same stored
// configurations give the same mails.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';

import {
  ConnectorError,
  ConnectorErrorCodes,
  ConnectorType,
  connectorMetadataGuard,
  TemplateType,
  validateConfig,
} from '@logto/connector-kit';
import * as kit4 from 'connector-kit-4';
import { ZodError } from 'zod';

import { Logto, payload, purpose, read, send, translations } from './support/logto.js';
import { startPeer } from './support/peer.js';
import { startReceiver } from './support/receiver.js';

process.env.SMTP_CONNECTOR_EGRESS = '127.0.0.1';

const folder = mkdtempSync(join(tmpdir(), 'smtp-connector-logto-'));
const logto = new Logto(folder);
const factories = await logto.load();
const [ours, theirs] = factories;

const receivers = [
  await startReceiver({
    disabledCommands: ['STARTTLS'],
    authMethods: ['PLAIN', 'LOGIN'],
    onAuth: (auth, session, callback) => callback(null, { user: auth.username }),
    allowInsecureAuth: true,
  }),
  await startReceiver({ disabledCommands: ['AUTH'] }),
  await startReceiver({ disabledCommands: ['AUTH'], secure: true }),
  await startReceiver(),
];
const [withLogin, withStarttls, withTls, plain] = receivers;
after(async () => {
  await Promise.all(receivers.map((receiver) => receiver.close()));
  rmSync(folder, { recursive: true });
});

const stored = logto.templates;
const html = (content, subject = 'For {{application.name}}') =>
  Object.values(TemplateType).map((usageType) => ({
    usageType,
    contentType: 'text/html',
    subject,
    content,
  }));

/** Configurations as Logto's console stores them, each with the server that it is for. */
const configurations = [
  [plain, { auth: {}, fromEmail: 'no-reply@acme.test', templates: stored }],
  [
    plain,
    {
      auth: { type: 'login' },
      fromEmail: 'Acme <no-reply@acme.test>',
      replyTo: 'Help <help@acme.test>',
      templates: stored,
      logger: false,
      debug: false,
      disableFileAccess: false,
      disableUrlAccess: false,
      secure: false,
      tls: {},
      customHeaders: {},
    },
  ],
  [
    plain,
    {
      auth: {},
      fromEmail: 'Größe & Söhne <no-reply@acme.test>',
      replyTo: 'a@acme.test, "B, C" <b@acme.test>',
      templates: html(
        '<p>Grüß Gott, {{user.name}} – {{code}} {{unknown}}{{user.none}}</p>\n<a href="{{link}}">{{ organization.name }}</a>',
      ),
      customHeaders: { 'X-Tag': ['eins', 'zwei'], 'X-One': 'one' },
    },
  ],
  [
    withLogin,
    {
      auth: { type: 'login', user: 'robot', pass: 'open-sesame' },
      fromEmail: 'no-reply@acme.test',
      templates: stored,
      ignoreTLS: true,
    },
  ],
  [
    withStarttls,
    {
      auth: {},
      fromEmail: 'no-reply@acme.test',
      templates: stored,
      requireTLS: true,
      tls: { rejectUnauthorized: false },
      name: 'app.acme.test',
      connectionTimeout: 5000,
      greetingTimeout: 5000,
      socketTimeout: 5000,
    },
  ],
  [
    withTls,
    {
      auth: {},
      fromEmail: 'no-reply@acme.test',
      templates: stored,
      secure: true,
      tls: { rejectUnauthorized: false },
      servername: 'localhost',
    },
  ],
].map(([receiver, config]) => [receiver, { host: '127.0.0.1', port: receiver.port, ...config }]);

test('the loader takes the package, and its metadata is what Logto wants', () => {
  assert.equal(factories.length, 2);
  assert.equal(ours.type, ConnectorType.Email);
  const metadata = connectorMetadataGuard.parse(ours.metadata);
  assert.deepEqual([metadata.id, metadata.target], [theirs.metadata.id, theirs.metadata.target]);
  assert.match(metadata.logo, /^data:image\/svg\+xml;base64,/);
  assert.match(metadata.logoDark, /^data:image\/svg\+xml;base64,/);
  assert.match(metadata.readme, /^# SMTP connector/);
  const keys = (factory) => factory.metadata.formItems.map(({ key }) => key).sort();
  assert.deepEqual(keys(ours), keys(theirs));
});

test('the same configurations, types and translations give the same mails', async () => {
  let compared = 0;
  for (const [receiver, config] of configurations) {
    for (const factory of factories) validateConfig(config, factory.configGuard);
    for (const type of Object.values(TemplateType)) {
      for (const translation of translations(purpose(type))) {
        const data = { to: 'jo@example.org', type, payload, ip: '192.0.2.1' };
        const mails = [];
        for (const factory of factories) {
          await send(factory, config, data, async () => translation);
          const { mail, ...session } = await receiver.next();
          mails.push({ ...session, ...read(mail) });
        }
        assert.deepEqual(mails[0], mails[1], `${type} ${JSON.stringify(translation)}`);
        compared += 1;
      }
    }
  }
  assert.equal(compared, configurations.length * 9 * translations('').length);
});

test("what differs from Logto's connector is what the pages say", async () => {
  const [, config] = configurations[0];
  const data = {
    to: 'jo@example.org',
    type: 'SignIn',
    payload: { ...payload, user: { name: '<img src=x>' } },
  };
  const templates = [
    ...html('<p>{{user.name}} {{code}}</p>', 'Hi'),
    {
      usageType: 'SignIn',
      contentType: 'text/plain',
      subject: 'Hi',
      content: '{{user.name}} {{code}}',
    },
  ];
  await send(ours, { ...config, templates }, data);
  const { mail } = await plain.next();
  assert.equal(mail.html.trim(), '<p>&lt;img src&#x3D;x&gt; 482913</p>');
  assert.equal(mail.text.trim(), '<img src=x> 482913');
  assert.equal(mail.headers.get('auto-submitted'), 'auto-generated');
  const useless = { subject: 'Hi', content: 'Hi {{user.name}}' };
  await assert.rejects(
    send(ours, config, data, async () => useless),
    /no part of the mail holds the `code` or the `link`/,
  );
});

test('a translation that cannot be looked up gives way to the configuration', async () => {
  const [, config] = configurations[0];
  const data = { to: 'jo@example.org', type: 'SignIn', payload: { code: '482913' } };
  await send(ours, config, data, async () => {
    throw new Error('no database');
  });
  assert.match((await plain.next()).mail.text, /482913/);
});

test('a configuration with errors is refused with all of them, each at its place', async () => {
  const broken = {
    host: 5,
    auth: { pass: 'a' },
    templates: [{ usageType: 'SignIn', contentType: 'text/html', subject: '', content: 5 }],
  };
  const { error } = ours.configGuard.safeParse(broken);
  const found = error.issues.map(({ path: place }) => place.join('.'));
  for (const place of ['host', 'auth.user', 'fromEmail', 'templates', 'templates.0.content']) {
    assert.ok(found.includes(place), `${place} is not in ${found}`);
  }
  const thrown = await send(ours, broken, { to: 'jo@example.org', type: 'SignIn', payload }).catch(
    (reason) => reason,
  );
  assert.ok(thrown instanceof ConnectorError);
  assert.equal(thrown.code, ConnectorErrorCodes.InvalidConfig);
  assert.ok(thrown.data instanceof ZodError);
  assert.equal(thrown.data.issues.length, error.issues.length);
  assert.throws(
    () => validateConfig(broken, ours.configGuard),
    (reason) => reason instanceof ConnectorError,
  );
});

/** The error of a test with a configuration that is not stored. */
const failure = async (config) => {
  const data = { to: 'jo@example.org', type: 'Generic', payload: { code: '000000' } };
  const error = await send(ours, undefined, data, undefined, config).catch((reason) => reason);
  assert.ok(error instanceof ConnectorError, String(error));
  assert.equal(error.code, ConnectorErrorCodes.General);
  return error.data;
};

test('a failed test says the stage and the cure', async () => {
  const config = (receiver, members) => ({
    ...configurations[0][1],
    port: receiver.port,
    greetingTimeout: 2000,
    ...members,
  });
  const tls = await failure(config(withTls, { secure: false }));
  assert.match(tls.errorDescription, /TLS/);
  assert.match(tls.errorDescription, /`secure`/);
  const clear = await failure(config(plain, { secure: true }));
  assert.deepEqual([clear.kind, clear.stage], ['tls', 'tls']);
  assert.match(clear.errorDescription, /^tls: .*`secure`/);
  const peer = await startPeer({
    answer: (verb) =>
      verb === 'EHLO' ? '250-p\r\n250 AUTH PLAIN' : verb === 'AUTH' ? '535 5.7.8 wrong' : undefined,
  });
  const refused = await failure(
    config(peer, { auth: { user: 'robot', pass: 'open-sesame' }, ignoreTLS: true }),
  );
  assert.match(refused.errorDescription, /^auth: .*535 5\.7\.8 wrong.*`auth\.pass`/);
  assert.doesNotMatch(JSON.stringify(refused), /open-sesame/);
  const elsewhere = await failure(config(peer, { host: '127.0.0.2' }));
  assert.match(elsewhere.errorDescription, /SMTP_CONNECTOR_EGRESS/);
  await peer.close();
});

test('one mailer serves a configuration, and another one its successor', async () => {
  const peer = await startPeer();
  let greetings = 0;
  const counted = await startPeer({
    answer: (verb) => void (greetings += verb === 'EHLO' ? 1 : 0),
  });
  const config = { ...configurations[0][1], port: counted.port };
  const data = { to: 'jo@example.org', type: 'SignIn', payload };
  for (let sent = 0; sent < 3; sent += 1) await send(ours, config, data);
  assert.deepEqual([greetings, counted.taken.length], [1, 3]);
  await send(ours, { ...config, port: peer.port }, data);
  assert.equal(peer.taken.length, 1);
  await peer.close();
  await counted.close();
});

test('an older kit loads it as well', async () => {
  const older = logto.extract('core-4', 'connector-kit-4');
  const { default: createConnector } = await import(join(older, 'lib/index.js'));
  const [, config] = configurations[0];
  const connector = await createConnector({ getConfig: async () => config });
  await connector.sendMessage({ to: 'jo@example.org', type: 'SignIn', payload });
  assert.match((await plain.next()).mail.text, /482913/);
  const error = await connector
    .sendMessage({ to: 'jo@example.org', type: 'SignIn', payload }, { ...config, port: 1 })
    .catch((reason) => reason);
  assert.ok(error instanceof kit4.ConnectorError && !(error instanceof ConnectorError));
});
