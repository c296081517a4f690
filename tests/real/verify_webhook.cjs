// Verifies a webhook as the npm library of Standard Webhooks does: for a JSON object with `secret`,
// `headers` and `body` on standard input, `genuine` or `forged` on standard output.

const { Webhook, WebhookVerificationError } = require("standardwebhooks");

const { secret, headers, body } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
try {
    new Webhook(secret).verify(body, headers);
    process.stdout.write("genuine");
} catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    process.stdout.write("forged");
}
