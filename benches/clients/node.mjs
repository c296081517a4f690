// The package for Node: composes in the sandbox and delivers through the native host. Prints the
// seconds from the first message to the last receipt.
import { Engine } from 'smtp-connector';
import { payload, recipient } from './mail.mjs';

const order = JSON.parse(process.argv[2]);
const connector = await new Engine().bundled();
const mailer = await connector.configure(order.configuration, { egress: 'any' });

let next = 0;
async function work() {
  while (next < order.count) {
    const index = next++;
    await mailer.send({ to: recipient(index), type: 'SignIn', payload: JSON.parse(payload(index)) });
  }
}

const began = process.hrtime.bigint();
// As many at hand as the whole path in Rust has.
await Promise.all(Array.from({ length: 3 * order.connections }, work));
console.log(Number(process.hrtime.bigint() - began) / 1e9);
await mailer.close();
