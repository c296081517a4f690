// One message from a configuration: node start.mjs CONFIG TYPE TO PAYLOAD prints it.
import { readFileSync } from 'node:fs';
import Handlebars from 'handlebars';
import nodemailer from 'nodemailer';

const [config, type, to, payload] = process.argv.slice(2);
const { fromEmail, templates } = JSON.parse(readFileSync(config, 'utf8'));
const template = templates.find(({ usageType }) => usageType === type);
const values = JSON.parse(payload);
const transport = nodemailer.createTransport({ streamTransport: true, buffer: true });
const { message } = await transport.sendMail({
  from: fromEmail,
  to,
  subject: Handlebars.compile(template.subject, { noEscape: true })(values),
  html: Handlebars.compile(template.content)(values),
});
process.stdout.write(message);
