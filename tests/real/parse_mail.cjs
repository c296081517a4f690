// Reads a mail from the file named first and prints what it says as one JSON document, as
// parse_mail.py does.

const fs = require("node:fs");
const { simpleParser } = require("mailparser");

const mailboxes = (field) => (field ? field.value.map(({ name, address }) => [name, address]) : []);

const options = { skipTextToHtml: true, skipHtmlToText: true };
simpleParser(fs.readFileSync(process.argv[2]), options).then((mail) =>
  console.log(
    JSON.stringify({
      from: mailboxes(mail.from),
      to: mailboxes(mail.to),
      replyTo: mailboxes(mail.replyTo),
      subject: mail.subject,
      text: mail.text ?? null,
      html: mail.html || null,
    }),
  ),
);
