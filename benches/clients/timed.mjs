// Does the work that a client is there for, and prints the seconds that it took and how late the
// event loop came to its timers meanwhile: the 99th percentile, in milliseconds.
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How often the event loop is looked at, in milliseconds. */
const RESOLUTION = 1;

/** Does `count` pieces of work, so many at a time. */
export async function timed(count, atOnce, piece) {
  let next = 0;
  const work = async () => {
    while (next < count) await piece(next++);
  };
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  delay.enable();
  const began = process.hrtime.bigint();
  await Promise.all(Array.from({ length: atOnce }, work));
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  delay.disable();
  // A timer of a millisecond that is not late is one millisecond old.
  const late = Math.max(delay.percentile(99) / 1e6 - RESOLUTION, 0);
  console.log(JSON.stringify({ seconds, late }));
}
