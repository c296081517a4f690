// A mail connector in JavaScript. It reads the commonest options of a configuration, reports what is
// wrong with it, and fills placeholders such as {{code}} into its templates.

const TOP = ["host", "port", "secure", "ignoreTLS", "tls", "auth", "fromEmail", "templates"];
const TEMPLATE = ["usageType", "contentType", "subject", "content"];

const text = { type: "string" };
const schema = {
  type: "object",
  required: ["host", "fromEmail", "templates"],
  properties: {
    host: text,
    port: { type: ["integer", "string"] },
    secure: { type: "boolean" },
    ignoreTLS: { type: "boolean" },
    tls: { type: "object", properties: { ca: text } },
    auth: { type: "object", properties: { type: { const: "login" }, user: text, pass: true } },
    fromEmail: text,
    templates: {
      type: "array",
      minItems: 1,
      items: {
        type: "object",
        required: ["usageType", "subject", "content"],
        properties: {
          usageType: text,
          contentType: { enum: ["text/plain", "text/html"] },
          subject: text,
          content: text,
        },
      },
    },
  },
};
const example = {
  host: "smtp.example.com",
  port: 587,
  auth: { user: "<user>", pass: "<password>" },
  fromEmail: "Acme <no-reply@example.com>",
  templates: ["SignIn", "Register", "ForgotPassword", "Generic"].map((usageType) => ({
    usageType,
    contentType: "text/html",
    subject: "Your code is {{code}}",
    content: "<p>Hello {{user.name}}, your code is <b>{{code}}</b>.</p>",
  })),
};

const describe = () => ({
  id: "example-javascript",
  target: "smtp",
  names: [{ language: "en", text: "SMTP in JavaScript" }],
  descriptions: [{ language: "en", text: "An example of a connector in JavaScript." }],
  configurationSchema: JSON.stringify(schema),
  formItems: [],
  examples: [{ id: "login", title: "With a login", configuration: JSON.stringify(example) }],
  secretPointers: ["/auth/pass"],
});

// All that a check finds, at JSON Pointers.
class Findings {
  diagnostics = [];

  add(severity, code, path, message, help) {
    this.diagnostics.push({ severity, code, path, message, help, quotable: false });
  }

  error(...finding) {
    this.add("error", ...finding);
  }

  // The member of an object where it has the right type; one that is null is absent.
  read(object, pointer, key, type) {
    const value = object[key] ?? undefined;
    if (value === undefined || TYPES[type](value)) return value;
    this.error("wrong-type", `${pointer}/${key}`, `\`${key}\` is no ${type}`);
  }

  need(object, pointer, key, type) {
    if ((object[key] ?? "") !== "") return this.read(object, pointer, key, type);
    this.error("missing-key", `${pointer}/${key}`, `\`${key}\` is missing`, `add \`${key}\``);
  }

  // Nothing is ignored in silence.
  unknown(object, pointer, known) {
    for (const key of Object.keys(object).filter((key) => !known.includes(key))) {
      const path = `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      const help = `this connector reads ${known.join(", ")}`;
      this.add("warning", "unknown-key", path, "this key is unknown and has no effect", help);
    }
  }
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// The types of members.
const TYPES = {
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  object: isObject,
  list: (value) => Array.isArray(value),
  "port number": (value) =>
    typeof value !== "object" && /^[1-9]\d{0,4}$/.test(value) && value < 65536,
  // A string is here the place of one: the host has taken the secret out.
  secret: (value) => typeof value === "string" || isObject(value),
};

function check(configuration) {
  const findings = new Findings();
  const read = parsed(configuration);
  if (!isObject(read)) {
    findings.error("not-an-object", "", "the configuration is no JSON object");
    return findings;
  }
  findings.unknown(read, "", TOP);
  const plan = readPlan(read, findings);
  const program = readProgram(read, findings);
  if (findings.diagnostics.every(({ severity }) => severity !== "error")) {
    findings.outcome = { plan, program: encoded(program) };
  }
  return findings;
}

function readPlan(configuration, findings) {
  const host = findings.need(configuration, "", "host", "string");
  const number = Number(findings.read(configuration, "", "port", "port number") ?? 0);
  const secure = findings.read(configuration, "", "secure", "boolean") ?? number === 465;
  const inClear = findings.read(configuration, "", "ignoreTLS", "boolean");
  const tls = findings.read(configuration, "", "tls", "object") ?? {};
  findings.unknown(tls, "/tls", ["ca"]);
  const root = findings.read(tls, "/tls", "ca", "string");
  return {
    endpoint: { host, port: number || (secure ? 465 : 587) },
    protocol: "smtp",
    tls: secure ? "implicit" : inClear ? "none" : "opportunistic-starttls",
    plaintextAfterRefusal: false,
    tlsOptions: { verifyCertificate: true, roots: root ? [root] : [], cipherSuites: [] },
    authentication: readLogin(configuration, findings),
    forceAuthentication: false,
    timeouts: { dnsMs: 30_000, connectionMs: 120_000, greetingMs: 30_000, socketMs: 600_000 },
    pipelining: true,
    logging: "none",
  };
}

function readLogin(configuration, findings) {
  const auth = findings.read(configuration, "", "auth", "object");
  if (!auth || !(auth.user || auth.pass)) return { tag: "none" };
  findings.unknown(auth, "/auth", ["type", "user", "pass"]);
  if ((auth.type ?? "login") !== "login") {
    findings.error("unsupported-value", "/auth/type", "only `login` is supported");
  }
  findings.need(auth, "/auth", "pass", "secret");
  const user = findings.need(auth, "/auth", "user", "string");
  return { tag: "password", val: { user, password: { pointer: "/auth/pass" } } };
}

function readProgram(configuration, findings) {
  const from = findings.need(configuration, "", "fromEmail", "string");
  const sender = from && mailbox(from);
  if (from && !sender) findings.error("bad-mailbox", "/fromEmail", "this is no mailbox", MAILBOX);
  const templates = findings.need(configuration, "", "templates", "list");
  if (templates?.length === 0) findings.error("missing-template", "/templates", "it is empty");
  return { sender, templates: templates?.map((template, index) => {
    const pointer = `/templates/${index}`;
    if (!isObject(template)) return findings.error("wrong-type", pointer, "it is no object");
    findings.unknown(template, pointer, TEMPLATE);
    const type = findings.read(template, pointer, "contentType", "string") ?? "text/plain";
    if (!["text/plain", "text/html"].includes(type)) {
      const message = "only `text/plain` and `text/html` are supported";
      findings.error("unsupported-value", `${pointer}/contentType`, message);
    }
    const [subject, content] = ["subject", "content"].map((key) => {
      const parts = scan(findings.need(template, pointer, key, "string") ?? "");
      return parts ?? findings.error("template-syntax", `${pointer}/${key}`, ODD_TAG, TAGS);
    });
    const usageType = findings.need(template, pointer, "usageType", "string");
    return { usageType, isHtml: type === "text/html", subject, content };
  }) };
}

const MAILBOX = "write `jo@example.com` or `Jo <jo@example.com>`";
const ODD_TAG = "this holds a tag that is no plain placeholder";
const TAGS = "write plain placeholders such as {{code}} or {{user.name}}";

// A mailbox; nothing where a text could be read as another or as several.
function mailbox(written) {
  const found = /^(?:([^"\\<>()@,;:]*?)\s*<)?([^\s"\\<>()@,;:]+@[^\s"\\<>()@,;:]+)(>?)$/.exec(written);
  if (!found || (found[1] === undefined) !== (found[3] === "")) return;
  return { name: found[1] || undefined, address: found[2] };
}

// Literal text and the paths of placeholders in turns; nothing where there is any other tag.
function scan(template) {
  const parts = template.split(/(?<!\{)\{\{\s*([\w.]+)\s*\}\}(?!\})/);
  return parts.some((part) => part.includes("{{")) ? undefined : parts;
}

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;" };

// A root that the payload lacks stays as it was written; what else is missing is empty.
function fill(parts, payload, isHtml) {
  const value = (path) => {
    const [root, ...members] = path.split(".");
    if (!Object.hasOwn(payload, root)) return `{{${path}}}`;
    const member = (from, key) => (isObject(from) && Object.hasOwn(from, key) ? from[key] : "");
    const found = members.reduce(member, payload[root]) ?? "";
    const written = typeof found === "object" ? "" : String(found);
    return isHtml ? written.replace(/[&<>"']/g, (sign) => ESCAPES[sign]) : written;
  };
  return parts.map((part, index) => (index % 2 === 0 ? part : value(part))).join("");
}

class Composer {
  constructor(program) {
    Object.assign(this, program);
  }

  static open(program) {
    let ascii = "";
    for (let start = 0; start < program.length; start += 4096) {
      ascii += String.fromCharCode.apply(null, program.subarray(start, start + 4096));
    }
    const read = parsed(ascii);
    if (!isObject(read)) throw "this is no program of this connector";
    return new Composer(read);
  }

  compose({ usageType, payload, content }) {
    const values = parsed(payload);
    if (!isObject(values)) throw { tag: "payload", val: "it is no JSON object" };
    const message = { sender: this.sender, replyTo: [], subject: "", headers: [] };
    if (content.tag === "literal") return message;
    if (content.tag === "supplied") return { ...message, ...supplied(content.val, values) };
    const of = (type) => this.templates.filter((template) => template.usageType === type);
    const templates = [of(usageType), of("Generic")].find((found) => found.length > 0);
    if (!templates) throw { tag: "template-not-found", val: usageType };
    return { ...message, ...rendered(templates, values) };
  }
}

// The mail of a template for text, of one for HTML, or of both.
function rendered(templates, values) {
  const [text, html] = [false, true].map((isHtml) => {
    const template = templates.find((template) => template.isHtml === isHtml);
    return template && fill(template.content, values, isHtml);
  });
  const subject = fill(templates[0].subject, values).replace(/[\u0000-\u001f\u007f]+/g, " ");
  return { subject, text, html };
}

// The mail of a template that comes with the request.
function supplied(template, values) {
  const isHtml = template.contentType !== "plain";
  const scanned = (part, written) => {
    const parts = scan(written);
    if (!parts) throw { tag: "template", val: { part, message: `${ODD_TAG}; ${TAGS}` } };
    return parts;
  };
  const box = (field, part) => {
    if (template[field] == null) return;
    const found = mailbox(fill(scanned(part, template[field]), values));
    if (!found) throw { tag: "address", val: { field, message: "it is not one mailbox" } };
    return found;
  };
  const [sender, answers] = [box("sendFrom", "send-from"), box("replyTo", "reply-to")];
  const subject = scanned("subject", template.subject);
  const content = scanned(isHtml ? "html" : "text", template.content);
  return {
    ...rendered([{ isHtml, subject, content }], values),
    ...(sender && { sender }),
    ...(answers && { replyTo: [answers] }),
  };
}

// What a text says as JSON, or nothing.
function parsed(json) {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

// JSON in ASCII, as bytes.
function encoded(program) {
  const escape = (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const ascii = JSON.stringify(program).replace(/[\u0080-\uffff]/g, escape);
  return Uint8Array.from(ascii, (sign) => sign.charCodeAt(0));
}

export const connector = { Composer, describe, check };
