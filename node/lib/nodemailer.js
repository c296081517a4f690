// The mailer as a transport of nodemailer, which composes the mails.

import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';

import { Engine } from './engine.js';
import { failure, SmtpConnectorError, UsageError } from './errors.js';
import { checkMembers } from './shape.js';

const { version } = createRequire(import.meta.url)('../package.json');

/** The largest mail that is read whole; what is larger the library refuses anyway. */
const MOST_BYTES = 26 << 20;

/** Options of a message that only nodemailer's own SMTP transport could carry out. */
const refused = ['auth', 'dsn', 'requireTLSExtensionEnabled'];

/** The members of an envelope that mean something here. */
const envelopeMembers = ['from', 'to', 'cc', 'bcc'];

/** What composing by templates needs. Here nodemailer composes, and none of it is ever used. */
const unused = {
  fromEmail: 'nobody@localhost',
  templates: ['Register', 'SignIn', 'ForgotPassword', 'Generic'].map((usageType) => ({
    usageType,
    contentType: 'text/plain',
    subject: '{{code}}',
    content: '{{code}}',
  })),
};

let engine;

/**
 * A transport for nodemailer's `createTransport`. The configuration is the one of a connector, of
 * which `fromEmail` and `templates` may be absent.
 */
export const smtpConnector = (configuration, options = {}) => new Transport(configuration, options);

class Transport extends EventEmitter {
  name = 'smtp-connector';
  version = version;
  #configure;
  #mailer;
  #deadline;
  #sending = 0;

  constructor(configuration, options) {
    super();
    const { connector, deadline, ...rest } = checkMembers(options, 'the options of a transport', {
      connector: 'object',
      deadline: 'milliseconds',
      authorDomains: 'any',
      egress: 'any',
      keepInstances: 'any',
      onRotatedToken: 'any',
      ports: 'any',
      secretSources: 'any',
    });
    this.#deadline = deadline;
    this.#configure = async () => {
      const loaded = connector ?? (await (engine ??= new Engine()).bundled());
      const whole =
        typeof configuration === 'string' ? configuration : { ...unused, ...configuration };
      return loaded.configure(whole, rest);
    };
  }

  /** Sends what nodemailer composed. */
  send(mail, callback) {
    this.#sending += 1;
    const done = (...outcome) => {
      this.#sending -= 1;
      callback(...outcome);
      this.emit('idle');
    };
    this.#send(mail).then(
      (info) => done(null, info),
      (error) => done(known(error)),
    );
  }

  /** Whether another message would find a connection that has nothing to do. */
  isIdle() {
    return this.#sending < 5;
  }

  /** Connects and logs in: true, or the error. */
  verify(callback) {
    const verified = this.#verify();
    if (!callback) return verified;
    verified.then(
      (sound) => callback(null, sound),
      (error) => callback(error),
    );
    return undefined;
  }

  /** Takes no further message, and lets those under way end. */
  async close() {
    const mailer = await this.#mailer?.catch(() => undefined);
    await mailer?.close();
  }

  #ready() {
    return (this.#mailer ??= this.#configure());
  }

  async #send({ data, message }) {
    refuse(data);
    const mailer = await this.#ready();
    const { from, to } = message.getEnvelope();
    const mail = await bytes(message.createReadStream());
    const options = { deadline: this.#deadline, signal: data.signal };
    const receipt = await mailer.submit({ from: from || '', to }, mail, options);
    return info(receipt, mail.length);
  }

  async #verify() {
    const mailer = await this.#ready().catch((error) => Promise.reject(known(error)));
    const { error } = await mailer.verify();
    if (error) throw known(error);
    return true;
  }
}

const refuse = (data) => {
  const members =
    data.envelope && typeof data.envelope === 'object' ? Object.keys(data.envelope) : [];
  const found = [
    ...refused.filter((name) => data[name] !== undefined && data[name] !== false),
    ...members.filter((name) => !envelopeMembers.includes(name)).map((name) => `envelope.${name}`),
  ];
  if (found.length > 0) {
    const names = found.map((name) => `\`${name}\``).join(', ');
    throw new UsageError(`this transport cannot carry out ${names} of a message; leave it out`);
  }
};

const bytes = async (stream) => {
  const chunks = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MOST_BYTES) break;
  }
  return Buffer.concat(chunks);
};

/** The receipt as nodemailer's users know it. */
const info = (receipt, messageSize) => {
  const { accepted, rejected, envelope, messageId, reply, timings } = receipt;
  const rejectedErrors = rejected.map(({ address, code, enhanced, text }) => {
    const response = [code, enhanced, text].filter(Boolean).join(' ');
    const error = new SmtpConnectorError({ kind: 'refused', stage: 'rcpt', message: response });
    return Object.assign(error, {
      code: 'EENVELOPE',
      responseCode: code,
      response,
      recipient: address,
    });
  });
  return {
    accepted,
    rejected: rejected.map(({ address }) => address),
    ...(rejectedErrors.length > 0 && { rejectedErrors }),
    envelope,
    messageId,
    messageSize,
    envelopeTime: Math.round((timings.mail ?? 0) + (timings.rcpt ?? 0)),
    messageTime: Math.round((timings.data ?? 0) + (timings.content ?? 0)),
    response: [reply.code, reply.enhanced, reply.text].filter(Boolean).join(' '),
  };
};

/** nodemailer's codes by kind; a refusal has that of its stage. */
const codes = {
  aborted: 'ABORT_ERR',
  address: 'EENVELOPE',
  configuration: 'ECONFIG',
  connect: 'ECONNECTION',
  credentials: 'EAUTH',
  dns: 'EDNS',
  egress: 'ECONNECTION',
  expired: 'ETIMEDOUT',
  lost: 'ECONNECTION',
  message: 'EMESSAGE',
  protocol: 'EPROTOCOL',
  proxy: 'EPROXY',
  timeout: 'ETIMEDOUT',
  tls: 'ETLS',
  usage: 'ECONFIG',
};

const stages = {
  auth: 'EAUTH',
  mail: 'EENVELOPE',
  rcpt: 'EENVELOPE',
  data: 'EENVELOPE',
  content: 'EMESSAGE',
};

/** An error with the members that nodemailer's users look at. */
const known = (error) => {
  const told = error instanceof SmtpConnectorError ? error : failure(error);
  const { code: responseCode, enhanced, reply, kind, stage } = told;
  return Object.assign(told, {
    code: codes[kind] ?? stages[stage] ?? 'ESOCKET',
    responseCode,
    response: responseCode && [responseCode, enhanced, reply].filter(Boolean).join(' '),
  });
};
