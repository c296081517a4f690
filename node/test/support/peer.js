// A fast SMTP server that keeps account of what it took, and answers as a test wants it to.

import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Starts a server. `answer(verb, line)` gives the reply to a command, where it is not to be the usual
 * one, and `null` for none at all; `DOT` is the end of a message.
 */
export const startPeer = async ({ answer = () => undefined } = {}) => {
  const taken = [];
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    serve(socket, answer, taken);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: server.address().port,
    /** The mails for which it said that it keeps them, as text. */
    taken,
    connections: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

const usual = {
  GREETING: '220 peer.test',
  EHLO: '250-peer.test\r\n250-PIPELINING\r\n250 8BITMIME',
  DATA: '354 go',
  QUIT: '221 bye',
};

const serve = (socket, answer, taken) => {
  let heard = '';
  let inContent = false;
  const reply = (verb, line) => {
    const given = answer(verb, line);
    const text = given === undefined ? (usual[verb] ?? '250 2.0.0 ok') : given;
    if (text !== null) socket.write(`${text}\r\n`);
    return text ?? '';
  };
  reply('GREETING', '');
  socket.setEncoding('utf8').on('data', (chunk) => {
    heard += chunk;
    for (;;) {
      const end = heard.indexOf(inContent ? '\r\n.\r\n' : '\r\n');
      if (end < 0) return;
      const line = heard.slice(0, end);
      heard = heard.slice(end + (inContent ? 5 : 2));
      if (inContent) {
        inContent = false;
        const mail = line.slice(2);
        // A client that was told of no recipient ends an empty mail.
        if (mail === '') socket.write('554 5.5.1 no recipient\r\n');
        else if (reply('DOT', mail).startsWith('250')) taken.push(mail);
        continue;
      }
      const verb = line.split(' ')[0].toUpperCase();
      const said = reply(verb, line);
      if (verb === 'DATA' && said.startsWith('354')) {
        inContent = true;
        // The end of an empty mail is found as well.
        heard = `\r\n${heard}`;
      }
      if (verb === 'QUIT') socket.end();
    }
  });
};
