// nodemailer and Handlebars: composes messages and delivers them through its pool, or writes them
// into memory where they are only to be rendered.
import { payload, recipient } from './mail.mjs';
import { pool, renderer } from './nodemailer.mjs';
import { timed } from './timed.mjs';

const order = JSON.parse(process.argv[2]);
const { default: nodemailer } = await import(order.package);
const memory = { streamTransport: true, buffer: true };
const transport = nodemailer.createTransport(order.render ? memory : pool(order));
const render = renderer(order);

// The pool keeps a queue: one message at hand behind each one under way.
await timed(order.count, 2 * order.connections, (index) => {
  const values = JSON.parse(payload(index));
  return transport.sendMail({ from: order.from, to: recipient(index), ...render(values) });
});
transport.close();
