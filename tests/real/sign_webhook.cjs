// Signs a body as the npm library of Standard Webhooks does: for a JSON object with `secret`, `id`,
// `timestamp` (in seconds) and `body` on standard input, the signature on standard output.

const { Webhook } = require("standardwebhooks");

const { secret, id, timestamp, body } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
process.stdout.write(new Webhook(secret).sign(id, new Date(timestamp * 1000), body));
