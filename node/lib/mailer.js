// A configured tenant: renders, sends, verifies.

import { AbortError, failure, UsageError } from './errors.js';
import { serialise } from './json.js';
import native from './native.js';
import { check, checkMembers } from './shape.js';

const request = {
  'to!': 'text',
  'type!': 'text',
  payload: 'any',
  locale: 'text',
  template: 'object',
  literal: 'object',
  messageId: 'text',
};

const literal = { 'subject!': 'text', text: 'text', html: 'text' };

const delivery = { deadline: 'milliseconds', signal: 'signal' };

/** The mailboxes of one configuration. A `Connector` makes it; keep it, for it keeps connections. */
export class Mailer {
  #native;

  constructor(inner) {
    if (!(inner instanceof native.Mailer))
      throw new UsageError('`configure` of a connector makes a mailer');
    this.#native = inner;
  }

  /** The warnings of the check. */
  get warnings() {
    return JSON.parse(this.#native.warnings());
  }

  /** How many connections to the server there may be at once. */
  get connections() {
    return this.#native.connections();
  }

  /** Composes a message without sending it. */
  async render(message) {
    const given = read(message);
    return told(undefined, () => this.#native.render(given));
  }

  /** Composes a message and hands it to the server. */
  async send(message, options = {}) {
    const given = read(message);
    const { deadline, signal } = checkMembers(options, 'the options of a message', delivery);
    return told(signal, (abort) => this.#native.send(given, deadline, abort));
  }

  /** Hands a mail to the server that is written already: the bytes of an Internet message. */
  async submit(envelope, mail, options = {}) {
    const { from, to } = checkMembers(envelope, 'the envelope', {
      'from!': 'text',
      'to!': 'texts',
    });
    check(mail, 'a mail', 'bytes');
    const { deadline, signal } = checkMembers(options, 'the options of a message', delivery);
    return told(signal, (abort) => this.#native.submit(from, to, mail, deadline, abort));
  }

  /**
   * Connects, secures, logs in and says NOOP; with a recipient it goes on to MAIL and RCPT and takes
   * them back. A failed verification resolves, and says so.
   */
  async verify(options = {}) {
    const { to, signal } = checkMembers(options, 'the options of a verification', {
      to: 'text',
      signal: 'signal',
    });
    const found = await told(signal, (abort) => this.#native.verify(to, abort));
    if (found.error) found.error = failure({ message: JSON.stringify(found.error) });
    return found;
  }

  /** Takes no further message, lets those under way end, and says QUIT on every connection. */
  async close() {
    await this.#native.close();
  }
}

const read = (message) => {
  checkMembers(message, 'a request', request);
  if (message.literal) checkMembers(message.literal, '`literal`', literal);
  return serialise(message, 'the request');
};

/** What a native call tells, which a signal may end. */
const told = async (signal, call) => {
  if (signal?.aborted) {
    const message = 'the call was given up before it began';
    throw new AbortError({ kind: 'aborted', message }, { cause: signal.reason });
  }
  const abort = signal && new native.Abort();
  const fire = () => abort.fire();
  signal?.addEventListener('abort', fire, { once: true });
  try {
    return JSON.parse(await call(abort));
  } catch (error) {
    throw failure(error, signal?.aborted ? { cause: signal.reason } : undefined);
  } finally {
    signal?.removeEventListener('abort', fire);
  }
};
