// Verifies the DKIM signatures of a mail and prints what becomes of each, as verify_dkim.py does.

const fs = require("node:fs");
const { dkimVerify } = require("mailauth/lib/dkim/verify");

const [mail, dns] = process.argv.slice(2).map((file) => fs.readFileSync(file));
const records = JSON.parse(dns);

const resolver = async (name) => {
  if (!(name in records)) {
    throw Object.assign(new Error(`${name} has no record`), { code: "ENOTFOUND" });
  }
  return [[records[name]]];
};

dkimVerify(mail, { resolver }).then(({ results }) =>
  console.log(
    JSON.stringify(
      results.map(({ status, signingDomain, signingHeaders }) => ({
        valid: status.result === "pass",
        domain: signingDomain,
        signed: signingHeaders?.keys?.split(/: ?/).map((name) => name.toLowerCase()),
        reason: status.comment || undefined,
      })),
    ),
  ),
);
