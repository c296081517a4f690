// handlebars.js with its templates compiled beforehand. Prints the seconds of wall and of CPU that
// the messages took together.
import Handlebars from 'handlebars';
import { payload } from './mail.mjs';

const order = JSON.parse(process.argv[2]);
const payloads = Array.from({ length: 64 }, (_, index) => payload(index));
const load = (template, options) => {
  const compiled = new Function(`return ${Handlebars.precompile(template, options)}`);
  return Handlebars.template(compiled());
};
const subject = load(order.subject, { noEscape: true });
const html = load(order.html);

function compose(count) {
  let bytes = 0;
  for (let index = 0; index < count; index++) {
    const values = JSON.parse(payloads[index % payloads.length]);
    bytes += subject(values).length + html(values).length;
  }
  return bytes;
}

// Long enough for the optimising compiler.
compose(20000);
const [began, used] = [process.hrtime.bigint(), process.cpuUsage()];
compose(order.count);
const { user, system } = process.cpuUsage(used);
const wall = Number(process.hrtime.bigint() - began) / 1e9;
console.log(JSON.stringify({ wall, cpu: (user + system) / 1e6 }));
