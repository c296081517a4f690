// nodemailer and Handlebars: composes messages and delivers them through its pool, or writes them
// into memory where they are only to be rendered.
import Handlebars from 'handlebars';
import { payload, recipient } from './mail.mjs';
import { timed } from './timed.mjs';

const order = JSON.parse(process.argv[2]);
const { default: nodemailer } = await import(order.package);
const pool = {
  pool: true,
  maxConnections: order.connections,
  maxMessages: Infinity,
  host: '127.0.0.1',
  port: order.port,
  ignoreTLS: true,
};
const memory = { streamTransport: true, buffer: true };
const transport = nodemailer.createTransport(order.render ? memory : pool);
const subject = Handlebars.compile(order.subject, { noEscape: true });
const html = Handlebars.compile(order.html);

// The pool keeps a queue: one message at hand behind each one under way.
await timed(order.count, 2 * order.connections, (index) => {
  const values = JSON.parse(payload(index));
  return transport.sendMail({
    from: order.from,
    to: recipient(index),
    subject: subject(values),
    html: html(values),
  });
});
transport.close();
