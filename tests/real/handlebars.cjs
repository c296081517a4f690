// Renders templates with handlebars.js: for each line of standard input, which holds a template, a
// payload and whether values are escaped for HTML, a line with the text or with the error.
//
// The rule of Logto for what stands outside blocks is put into the tree that handlebars.js parses:
// a plain placeholder whose root the payload lacks, and braces that hold no name, are literal.
//
// Every program of the tree begins with a mark, which is taken out of the text: handlebars.js adds
// numbers up that follow each other without escaping and with nothing before them.

const readline = require("node:readline");
const Handlebars = require("handlebars");

// What it says about members that JavaScript's own types have is not asked for.
Handlebars.logger.log = () => {};

const plain = /^[\p{Alphabetic}\p{N}_$-]+(\.[\p{Alphabetic}\p{N}_$-]+)*$/u;
const handlebarsOwn = /^(this|@root)($|[./])|^\.($|\/)|\[/;

function staysAsWritten(inner, payload) {
  if (handlebarsOwn.test(inner)) {
    return false;
  }
  return !plain.test(inner) || !Object.hasOwn(payload, inner.split(".")[0]);
}

function source(template, { start, end }) {
  const lines = template.split(/(?<=\n)/);
  const at = ({ line, column }) =>
    lines.slice(0, line - 1).reduce((length, text) => length + text.length, column);
  return template.slice(at(start), at(end));
}

function literal(template, statement) {
  const value = source(template, statement.loc);
  return { type: "ContentStatement", value, original: value, strip: {}, loc: statement.loc };
}

const mark = { type: "ContentStatement", value: "\u0001", original: "\u0001", strip: {} };

function putMarks({ body }) {
  for (const { program, inverse } of body) {
    [program, inverse].filter(Boolean).forEach(putMarks);
  }
  body.unshift(mark);
}

function render({ template: text, payload, html }) {
  const tree = Handlebars.parse(text);
  tree.body = tree.body.map((statement) => {
    const isBare =
      statement.type === "MustacheStatement" && !statement.params.length && !statement.hash;
    if (!isBare) {
      return statement;
    }
    const inner = source(text, statement.loc).replace(/^[{&~\s]+|[}~\s]+$/g, "");
    return staysAsWritten(inner, payload) ? literal(text, statement) : statement;
  });
  putMarks(tree);
  const options = { data: true, noEscape: !html };
  const environment = new Handlebars.Compiler().compile(tree, options);
  const compiler = new Handlebars.JavaScriptCompiler();
  const template = Handlebars.template(compiler.compile(environment, options, undefined, true));
  return template(payload).replaceAll(mark.value, "");
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  let answer;
  try {
    // Half a character is written as U+FFFD.
    answer = { text: render(JSON.parse(line)).toWellFormed() };
  } catch (error) {
    answer = { error: error.message.toWellFormed() };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
});
