// Many tenants in one process of Node, each with a configuration of its own and one message
// composed: prints the memory that is this process's share (PSS), in bytes.
import { readFileSync } from 'node:fs';
import { Engine } from 'smtp-connector';
import { payload, recipient } from './mail.mjs';

const order = JSON.parse(process.argv[2]);
const connector = await new Engine().bundled();
const mailers = [];
for (let index = 0; index < order.count; index++) {
  const fromEmail = `Tenant ${index} <no-reply@tenant${index}.example>`;
  const mailer = await connector.configure({ ...order.configuration, fromEmail }, { egress: 'any' });
  await mailer.render({ to: recipient(index), type: 'SignIn', payload: JSON.parse(payload(index)) });
  mailers.push(mailer);
}
const [, kilobytes] = /^Pss:\s+(\d+) kB/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'));
console.log(kilobytes * 1024);
