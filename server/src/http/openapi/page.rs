//! The description of the API as a page for people, made of the document that programs read. It is
//! whole by itself: it loads nothing from elsewhere and runs no script.

use maud::{DOCTYPE, Markup, html};
use serde_json::{Map, Value};

/// The methods of an operation, in the order in which they are shown.
const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

/// The page of a document.
pub(super) fn page(document: &Value) -> String {
    let (info, schemas) = (&document["info"], &document["components"]["schemas"]);
    let operations: Vec<_> = members(&document["paths"]).flat_map(operations_of).collect();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (text(&info["title"])) }
                link rel="stylesheet" href="docs.css";
            }
            body {
                h1 { (text(&info["title"])) " " (text(&info["version"])) }
                (prose(&info["description"]))
                p { "For programs: " a href="openapi.json" { "openapi.json" } "." }
                ul {
                    @for operation in &operations {
                        li {
                            a href={ "#" (operation.name()) } { (operation.title()) }
                            " " (words(text(&operation.value["summary"])))
                        }
                    }
                }
                @for operation in &operations { (operation.section()) }
                h2 { "Objects" }
                @for (name, schema) in members(schemas) {
                    h3 id=(name) { (name) }
                    (prose(&schema["description"]))
                    (properties(schema))
                }
            }
        }
    };
    page.into_string()
}

/// What one method does at one path.
struct Operation<'d> {
    method: &'static str,
    path: &'d str,
    value: &'d Value,
}

fn operations_of<'d>((path, item): (&'d String, &'d Value)) -> impl Iterator<Item = Operation<'d>> {
    let known = METHODS.into_iter().filter_map(|method| Some((method, item.get(method)?)));
    known.map(move |(method, value)| Operation { method, path, value })
}

impl Operation<'_> {
    fn name(&self) -> &str {
        text(&self.value["operationId"])
    }

    fn title(&self) -> Markup {
        html! { code { (self.method.to_uppercase()) " " (self.path) } }
    }

    fn section(&self) -> Markup {
        let parameters = self.value["parameters"].as_array();
        let body = &self.value["requestBody"]["content"];
        html! {
            h2 id=(self.name()) { (self.title()) }
            p { (words(text(&self.value["summary"]))) }
            (prose(&self.value["description"]))
            @if let Some(parameters) = parameters {
                table {
                    caption { "Parameters" }
                    @for parameter in parameters { (row_of_parameter(parameter)) }
                }
            }
            @for (media_type, content) in members(body) {
                p { "Body: " code { (media_type) } ", " (form(&content["schema"])) }
            }
            table {
                caption { "Answers" }
                @for (status, response) in members(&self.value["responses"]) {
                    (row_of_response(status, response))
                }
            }
        }
    }
}

fn row_of_parameter(parameter: &Value) -> Markup {
    html! {
        tr {
            td { code { (text(&parameter["name"])) } }
            td { (text(&parameter["in"])) (needed(parameter["required"] == true)) }
            td { (form(&parameter["schema"])) }
            td { (prose(&parameter["description"])) }
        }
    }
}

fn row_of_response(status: &str, response: &Value) -> Markup {
    html! {
        tr {
            td { code { (status) } }
            td { (prose(&response["description"])) }
            td {
                @for (media_type, content) in members(&response["content"]) {
                    code { (media_type) } " " (form(&content["schema"]))
                }
            }
        }
    }
}

/// The members of an object.
fn properties(schema: &Value) -> Markup {
    let required = schema["required"].as_array();
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|it| it == name));
    html! {
        @if schema["properties"].is_object() {
            table {
                @for (name, property) in members(&schema["properties"]) {
                    tr {
                        td { code { (name) } (needed(is_required(name))) }
                        td { (form(property)) }
                        td { (prose(&property["description"])) }
                    }
                }
            }
        } @else {
            p { (form(schema)) }
        }
    }
}

fn needed(required: bool) -> &'static str {
    if required { ", required" } else { "" }
}

/// What a value looks like, in a word or two.
fn form(schema: &Value) -> Markup {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return html! { a href={ "#" (name) } { (name) } };
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return alternatives(choices.iter().map(form));
    }
    if let Some(values) = schema["enum"].as_array() {
        return alternatives(values.iter().map(|value| html! { code { (text(value)) } }));
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => html! { "list of " (form(&schema["items"])) },
        Value::String(name) => html! { (name) },
        Value::Array(names) => alternatives(names.iter().map(|name| html! { (text(name)) })),
        _ => html! { "any value" },
    }
}

fn alternatives(forms: impl Iterator<Item = Markup>) -> Markup {
    html! {
        @for (at, form) in forms.enumerate() {
            @if at > 0 { " or " }
            (form)
        }
    }
}

/// The paragraphs of a text.
fn prose(value: &Value) -> Markup {
    html! {
        @for paragraph in text(value).split("\n\n").filter(|paragraph| !paragraph.is_empty()) {
            p { (words(paragraph)) }
        }
    }
}

/// Words, in which what stands between grave accents is code.
fn words(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_document_says_is_on_the_page_and_is_no_markup() {
        let document = json!({
            "info": { "title": "a <b>", "version": "1", "description": "Says `x<y`.\n\nMore." },
            "paths": { "/v1/{name}": {
                "put": {
                    "operationId": "putIt", "summary": "Puts <it> in `place`.",
                    "parameters": [{
                        "name": "name", "in": "path", "required": true,
                        "schema": { "type": "string" }, "description": "Which & what",
                    }],
                    "requestBody": { "content": { "application/json": {
                        "schema": { "$ref": "#/components/schemas/Thing" },
                    } } },
                    "responses": { "4XX": { "description": "A problem" } },
                },
            } },
            "components": { "schemas": { "Thing": {
                "type": "object", "required": ["state"],
                "properties": {
                    "state": { "type": "string", "enum": ["queued", "sent"] },
                    "many": { "type": "array", "items": { "type": ["string", "null"] } },
                },
            } } },
        });
        let page = page(&document);
        for part in [
            "a &lt;b&gt; 1",
            "Says <code>x&lt;y</code>.</p><p>More.",
            "<h2 id=\"putIt\"><code>PUT /v1/{name}</code></h2>",
            "</a> Puts &lt;it&gt; in <code>place</code>.</li>",
            "<p>Puts &lt;it&gt; in <code>place</code>.</p>",
            "<td>path, required</td><td>string</td><td><p>Which &amp; what</p></td>",
            "<code>application/json</code>, <a href=\"#Thing\">Thing</a>",
            "<code>4XX</code>",
            "<h3 id=\"Thing\">",
            "<code>state</code>, required",
            "<code>queued</code> or <code>sent</code>",
            "list of string or null",
        ] {
            assert!(page.contains(part), "{part} is missing: {page}");
        }
    }
}
