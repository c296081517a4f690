// How late Node's event loop comes to its timers while messages are sent by the package for Node or
// by nodemailer, which each of the other clients is: prints the 99th percentile in milliseconds.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const print = console.log;
console.log = () => undefined;
await import(process.argv[3]);
print(delay.percentile(99) / 1e6);
