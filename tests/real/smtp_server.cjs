// Runs npm's smtp-server and prints each mail as a line of JSON. The one argument is a JSON object;
// see tests/src/real/smtp_server.rs.

const fs = require("node:fs");
const { text } = require("node:stream/consumers");
const { SMTPServer } = require("smtp-server");

const settings = JSON.parse(process.argv[2]);

const failure = (responseCode, message) => Object.assign(new Error(message), { responseCode });

const issued = (token) => {
  if (!fs.existsSync(settings.tokens)) return false;
  const lines = fs.readFileSync(settings.tokens, "utf8").split("\n");
  return lines.some((line) => line && JSON.parse(line).token === token);
};

const knows = ({ method, username, password, accessToken, validatePassword }) => {
  if (username !== settings.user) return false;
  if (method === "XOAUTH2") return issued(accessToken);
  if (method === "CRAM-MD5") return validatePassword(settings.password);
  return password === settings.password;
};

const refusals = {
  [settings.refused]: failure(550, "5.1.1 no such mailbox"),
  [settings.deferred]: failure(451, "4.3.0 come again later"),
};

const server = new SMTPServer({
  lmtp: settings.lmtp,
  cert: fs.readFileSync(settings.certificate),
  key: fs.readFileSync(settings.key),
  authMethods: ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"],
  authOptional: settings.lmtp,
  onAuth(auth, session, callback) {
    // A token that is not known gets smtp-server's own answer: 334 with this object, then 535.
    if (knows(auth)) callback(null, { user: auth.method });
    else if (auth.method === "XOAUTH2")
      callback(null, { data: { status: "401", schemes: "bearer" } });
    else callback(failure(535, "5.7.8 the credentials are wrong"));
  },
  onRcptTo({ address }, session, callback) {
    callback(refusals[address]);
  },
  async onData(stream, session, callback) {
    const message = await text(stream);
    const { mailFrom, rcptTo } = session.envelope;
    const to = rcptTo.map(({ address }) => address);
    const { user, secure: tls } = session;
    const mail = { from: mailFrom.address, to, mechanism: user || null, tls, message };
    console.log(JSON.stringify(mail));
    const full = failure(552, "5.2.2 mailbox full");
    const answer = (address) => (address === settings.full ? full : "2.0.0 kept");
    callback(null, settings.lmtp ? to.map(answer) : "2.0.0 kept");
  },
});

server.on("error", (error) => console.error(error));
server.listen(settings.port, "127.0.0.1");
