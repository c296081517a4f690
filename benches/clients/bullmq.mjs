// A mailer as it is often built: takes messages over HTTP, queues them with BullMQ in Redis, and
// sends them with Handlebars and nodemailer's pool. Says where it listens; speaks as much of the
// service's interface as the client that measures both asks for.
import { createServer } from 'node:http';
import { Queue, QueueEvents, Worker } from 'bullmq';
import nodemailer from 'nodemailer';
import { pool, renderer } from './nodemailer.mjs';

const order = JSON.parse(process.argv[2]);
const connection = { host: '127.0.0.1', port: order.redis, maxRetriesPerRequest: null };
const queue = new Queue('mail', { connection });
const events = new QueueEvents('mail', { connection });
await events.waitUntilReady();
let accepted = 0;

if (order.port) {
  const transport = nodemailer.createTransport(pool(order));
  const render = renderer(order);
  const send = async ({ data: { to, payload } }) => {
    await transport.sendMail({ from: order.from, to, ...render(payload) });
    accepted += 1;
  };
  new Worker('mail', send, { connection, concurrency: 2 * order.connections });
}

const backoff = { type: 'exponential', delay: 500 };
const options = { removeOnComplete: true, attempts: 5, backoff };

const answer = async (request) => {
  if (request.method === 'GET') return [200, `mails{state="accepted"} ${accepted}\n`];
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const job = await queue.add('mail', JSON.parse(Buffer.concat(chunks)), options);
  if (!request.headers.prefer?.startsWith('wait=')) return [202, `{"id":"${job.id}"}`];
  await job.waitUntilFinished(events, 30_000);
  return [200, `{"id":"${job.id}","state":"accepted"}`];
};

const server = createServer(async (request, response) => {
  const [status, body] = await answer(request).catch((error) => [500, String(error)]);
  response.writeHead(status).end(body);
});
server.listen(0, '127.0.0.1', () => console.error(`127.0.0.1:${server.address().port}`));
