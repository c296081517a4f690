// Every type of mail and every form of translation through Postfix, by the packed connector and by
// Logto's own: both must arrive alike. A test in Rust starts Postfix, and says in the argument where
// it is.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';

import { TemplateType, validateConfig } from '@logto/connector-kit';
import { simpleParser } from 'mailparser';

import { Logto, payload, purpose, read, send, translations } from './support/logto.js';

process.env.SMTP_CONNECTOR_EGRESS = '127.0.0.1';

/** How many pairs of mails are under way at once. */
const AT_A_TIME = 4;

/** How long Postfix may take to deliver all, in milliseconds. */
const PATIENCE = 60_000;

const place = JSON.parse(process.argv[2]);
const folder = mkdtempSync(join(tmpdir(), 'smtp-connector-logto-'));
const logto = new Logto(folder);
const factories = await logto.load();

const { user, password: pass, authority: ca, recipient: to } = place;
const relay = { host: '127.0.0.1', fromEmail: 'Größe & Söhne <no-reply@acme.test>' };
const secured = {
  ...relay,
  auth: { type: 'login', user, pass },
  replyTo: '"Hilfe, bitte" <help@acme.test>',
  tls: { ca },
  servername: 'localhost',
  customHeaders: { 'X-Tag': ['eins', 'zwei'], 'X-One': 'one' },
};
const html = Object.values(TemplateType).map((usageType) => ({
  usageType,
  contentType: 'text/html',
  subject: 'Für {{user.name}}: {{code}}',
  content: `<p>Grüß Gott, {{user.name}} – ${purpose(usageType)} {{unknown}}{{user.none}}</p>\n`,
}));
const configurations = [
  { ...relay, port: place.relay, auth: { type: 'login', user: '', pass: '' } },
  { ...relay, port: place.relay, auth: { type: 'login' }, templates: html },
  { ...secured, port: place.submission, requireTLS: true },
  { ...secured, port: place.submission, templates: html },
  { ...secured, port: place.smtps, secure: true },
].map((filled) => logto.stored(filled));

/** One mail by each connector; what the two Message-IDs are, and what the mails are for. */
const pair = async (config, type, translation) => {
  const data = { to, type, payload, ip: '192.0.2.1' };
  const sent = factories.map((factory) => send(factory, config, data, async () => translation));
  const ids = (await Promise.all(sent)).map(({ messageId }) => messageId);
  return { ids, label: `${type} on ${config.port} ${JSON.stringify(translation)}` };
};

const orders = configurations.flatMap((config) => {
  for (const factory of factories) validateConfig(config, factory.configGuard);
  return Object.values(TemplateType).flatMap((type) =>
    translations(purpose(type)).map((translation) => [config, type, translation]),
  );
});
const pairs = [];
const work = async () => {
  for (let order = orders.pop(); order; order = orders.pop()) pairs.push(await pair(...order));
};
await Promise.all(Array.from({ length: AT_A_TIME }, work));
assert.equal(pairs.length, configurations.length * 9 * translations('').length);

const deadline = Date.now() + PATIENCE;
while (readdirSync(place.inbox).length < 2 * pairs.length) {
  assert.ok(Date.now() < deadline, `${readdirSync(place.inbox).length} mails arrived`);
  await setTimeout(50);
}
const arrived = new Map();
for (const name of readdirSync(place.inbox)) {
  const mail = await simpleParser(readFileSync(join(place.inbox, name)));
  assert.ok(!arrived.has(mail.messageId), `${mail.messageId} came twice`);
  arrived.set(mail.messageId, mail);
}

/** By which protocol Postfix took a mail: `ESMTPSA` says that it was encrypted and logged in. */
const protocol = (mail) => {
  const [, found] = /\bwith (E?SMTPS?A?)\b/.exec([mail.headers.get('received')].flat().at(-1)) ?? [];
  return found;
};

for (const { ids, label } of pairs) {
  const [ours, theirs] = ids.map((id) => {
    const mail = arrived.get(id);
    assert.ok(mail, `${label}: ${id} did not arrive`);
    return { protocol: protocol(mail), ...read(mail) };
  });
  assert.deepEqual(ours, theirs, label);
}
console.log(`${pairs.length} pairs of mails are alike`);
rmSync(folder, { recursive: true });
