// nodemailer's pool: composes messages with Handlebars and delivers them. Prints the seconds from
// the first message to the last receipt.
import Handlebars from 'handlebars';
import { payload, recipient } from './mail.mjs';

const order = JSON.parse(process.argv[2]);
const { default: nodemailer } = await import(order.package);
const transport = nodemailer.createTransport({
  pool: true,
  maxConnections: order.connections,
  maxMessages: Infinity,
  host: '127.0.0.1',
  port: order.port,
  ignoreTLS: true,
});
const subject = Handlebars.compile(order.subject, { noEscape: true });
const html = Handlebars.compile(order.html);

let next = 0;
async function work() {
  while (next < order.count) {
    const index = next++;
    const values = JSON.parse(payload(index));
    await transport.sendMail({
      from: order.from,
      to: recipient(index),
      subject: subject(values),
      html: html(values),
    });
  }
}

const began = process.hrtime.bigint();
// The pool keeps a queue: one message at hand behind each one under way.
await Promise.all(Array.from({ length: 2 * order.connections }, work));
console.log(Number(process.hrtime.bigint() - began) / 1e9);
transport.close();
