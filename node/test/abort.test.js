// Ten thousand messages that are given up at random: each has one outcome, and it is true.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import process from 'node:process';
import { test } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';

import { Engine } from '../lib/index.js';
import { configuration, loopback, signIn } from './support/configuration.js';
import { startPeer } from './support/peer.js';

const MESSAGES = 10_000;
const AT_A_TIME = 100;

/** What a run may leave in memory beyond what the first messages took: buffers and the allocator's. */
const MOST_GROWTH = 64 << 20;

const descriptors = () => readdirSync('/proc/self/fd').length;

/** Numbers that are the same in each run (a linear congruential generator), for a failure to come again. */
const random = (() => {
  let state = 20_260_101;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
})();

/** The messages that are to be given up as soon as the server has their end. */
const atTheEnd = new Map();

/** Gives up at once, within the turn, soon, once the server has the end of the message, or never. */
const giveUp = async (id, abort) => {
  const choice = random();
  if (choice < 0.1) abort.abort();
  else if (choice < 0.3) (await setImmediate(), abort.abort());
  else if (choice < 0.6) (await setTimeout(random() * 200), abort.abort());
  else if (choice < 0.8) atTheEnd.set(id, abort);
};

/** The Message-ID of a mail. */
const idOf = (mail) => /^Message-ID: (\S+)/m.exec(mail)[1];

test('each of ten thousand messages has one true outcome', { timeout: 300_000 }, async () => {
  const peer = await startPeer({
    answer: (verb, mail) => {
      if (verb === 'DOT') atTheEnd.get(idOf(mail))?.abort();
    },
  });
  const connector = await new Engine().bundled();
  const mailer = await connector.configure(
    configuration(peer.port, { socketTimeout: 5000 }),
    loopback,
  );
  const outcomes = new Map();

  const send = async (number) => {
    const id = `<${number}@acme.test>`;
    const abort = new AbortController();
    const sending = mailer
      .send(signIn(String(number), { messageId: id }), { signal: abort.signal })
      .then(
        () => 'accepted',
        (error) => {
          if (error.kind !== 'aborted') throw error;
          return error.ambiguous ? 'ambiguous' : 'aborted';
        },
      );
    const [outcome] = await Promise.all([sending, giveUp(id, abort)]);
    assert.ok(!outcomes.has(id));
    outcomes.set(id, outcome);
  };

  let next = 0;
  let memory;
  const before = descriptors();
  const work = async () => {
    while (next < MESSAGES) {
      if (next === MESSAGES / 5) memory = process.memoryUsage().rss;
      await send(next++);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  const growth = process.memoryUsage().rss - memory;
  await mailer.close();

  const copies = new Map();
  for (const mail of peer.taken) {
    const id = idOf(mail);
    copies.set(id, (copies.get(id) ?? 0) + 1);
  }
  const counts = { accepted: 0, aborted: 0, ambiguous: 0 };
  for (const [id, outcome] of outcomes) {
    counts[outcome] += 1;
    const most = { accepted: 1, aborted: 0, ambiguous: 1 }[outcome];
    const least = { accepted: 1, aborted: 0, ambiguous: 0 }[outcome];
    const came = copies.get(id) ?? 0;
    assert.ok(came >= least && came <= most, `${id} was ${outcome}, and came ${came} times`);
  }
  assert.equal(outcomes.size, MESSAGES);
  for (const outcome of Object.keys(counts)) {
    assert.ok(counts[outcome] > 0, `none was ${outcome}: ${JSON.stringify(counts)}`);
  }
  assert.ok(growth < MOST_GROWTH, `memory grew by ${growth} bytes`);
  await peer.close();
  assert.ok(descriptors() <= before, 'descriptors are left');
  console.log(JSON.stringify({ ...counts, growth }));
});
