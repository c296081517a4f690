// The package for Node: composes in the sandbox, and delivers through the native host unless it is
// only to render.
import { Engine } from 'smtp-connector';
import { payload, recipient } from './mail.mjs';
import { timed } from './timed.mjs';

const order = JSON.parse(process.argv[2]);
const connector = await new Engine().bundled();
const mailer = await connector.configure(order.configuration, { egress: 'any' });

// As many at hand as the whole path in Rust has.
await timed(order.count, 3 * order.connections, (index) => {
  const request = { to: recipient(index), type: 'SignIn', payload: JSON.parse(payload(index)) };
  return order.render ? mailer.render(request) : mailer.send(request);
});
await mailer.close();
