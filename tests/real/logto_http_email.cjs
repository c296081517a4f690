// Sends a message through Logto's connector `http-email`, as Logto does: for a JSON object with
// `config` and `message` on standard input, `{"error"?}` on standard output, in which the error is
// what Logto would show.

const { config, message } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));

async function main() {
  // A module that `require` does not take in every version of Node.
  const path = require.resolve("@logto/connector-http-email");
  const { default: createConnector } = await import(require("node:url").pathToFileURL(path).href);
  const connector = await createConnector({ getConfig: async () => config });
  try {
    await connector.sendMessage(message);
    return {};
  } catch (error) {
    return { error: { code: error.code, message: error.data?.message ?? String(error) } };
  }
}

main().then((outcome) => process.stdout.write(JSON.stringify(outcome)));
