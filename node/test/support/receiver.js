// npm's smtp-server, which hands out what arrives as mailparser reads it.

import { once } from 'node:events';

import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';

/** Starts a server; `settings` are those of smtp-server. */
export const startReceiver = async (settings = {}) => {
  const arrived = [];
  const waiting = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData(stream, session, callback) {
      simpleParser(stream).then((mail) => {
        const { mailFrom, rcptTo } = session.envelope;
        const envelope = {
          from: mailFrom && mailFrom.address,
          to: rcptTo.map(({ address }) => address),
        };
        const received = { mail, envelope, user: session.user, secure: session.secure };
        if (waiting.length > 0) waiting.shift()(received);
        else arrived.push(received);
        callback(null, 'kept');
      }, callback);
    },
    ...settings,
  });
  // Clients that leave in the middle are part of the tests.
  server.on('error', () => undefined);
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: listener.address().port,
    /** The next mail that arrives, or has. */
    next: () =>
      arrived.length > 0 ? arrived.shift() : new Promise((resolve) => waiting.push(resolve)),
    arrived,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
};
