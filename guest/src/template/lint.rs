//! What a check says about templates beyond their shape: syntax, helpers that do not exist,
//! variables that no platform sends, and mails that would carry neither a code nor a link.

use handlebars::template::{HelperTemplate, Parameter, Template as Handlebars, TemplateElement};

use super::blocks::{self, HELPERS};
use super::scan::{self, Kind, SyntaxError, Tag};
use super::text::Escaping;
use crate::bindings::exports::smtp_connector::contract::messages::ContentType;
use crate::config::templates::Template;
use crate::findings::Findings;

/// The roots that platforms send with every type.
const ROOTS: [&str; 8] =
    ["code", "link", "locale", "uiLocales", "application", "organization", "user", "inviter"];

/// Logto's types whose mails exist to carry a code or a link. Others carry what they like.
const CARRIERS: [&str; 8] = [
    "Register",
    "SignIn",
    "ForgotPassword",
    "Generic",
    "UserPermissionValidation",
    "BindNewIdentifier",
    "MfaVerification",
    "BindMfa",
];

/// Checks the text of templates; their keys have been checked by whoever read them.
pub fn lint(templates: &[Template], findings: &mut Findings) {
    for template in templates {
        let subject = format!("{}/subject", template.pointer);
        let content = format!("{}/content", template.pointer);
        lint_text(&template.subject, &subject, Escaping::Plain, findings);
        let roots =
            lint_text(&template.content, &content, escaping(template.content_type), findings);
        if let Some(roots) = roots {
            lint_purpose(&template.usage_type, &roots, &content, findings);
        }
        if template.subject.trim().is_empty() {
            findings
                .warning(subject, "empty-subject", "the subject is empty")
                .help("write what the mail is for, such as `Your sign-in code`");
        }
    }
}

fn escaping(content_type: ContentType) -> Escaping {
    match content_type {
        ContentType::Html => Escaping::Html,
        ContentType::Plain => Escaping::Plain,
    }
}

/// Checks one text and answers the roots that it uses, or none where it cannot be parsed.
fn lint_text(
    text: &str,
    path: &str,
    escaping: Escaping,
    findings: &mut Findings,
) -> Option<Vec<String>> {
    let mut uses = Uses::default();
    match parse(text, &mut uses) {
        Ok(raw) if escaping == Escaping::Html => {
            raw.iter().for_each(|tag| warn_raw(text, tag, path, findings));
        }
        Ok(_) => {}
        Err(error) => {
            report_syntax(&error, path, findings);
            return None;
        }
    }
    for helper in &uses.unknown_helpers {
        findings.error(path, "unknown-helper", blocks::unknown_helper(helper)).help(format!(
            "`{{{{#if {helper}}}}}`, `{{{{#with {helper}}}}}` and `{{{{#each \
                {helper}}}}}` are blocks over a value"
        ));
    }
    for root in uses.at_root.iter().filter(|root| !ROOTS.contains(&root.as_str())) {
        warn_unknown(root, path, findings);
    }
    uses.at_root.append(&mut uses.elsewhere);
    Some(uses.at_root)
}

/// Finds what a text uses, and its unescaped tags.
fn parse(text: &str, uses: &mut Uses) -> Result<Vec<Tag>, SyntaxError> {
    let tags = scan::scan(text)?;
    if tags.are_plain() {
        let paths = tags.list.iter().filter_map(|tag| tag.path.clone());
        paths.for_each(|path| uses.root(text[path].split('.').next().unwrap_or_default(), true));
    } else {
        uses.template(&blocks::parse(text, &tags)?, true);
    }
    Ok(tags.list.into_iter().filter(|tag| tag.kind == Kind::Raw).collect())
}

fn report_syntax(error: &SyntaxError, path: &str, findings: &mut Findings) {
    let place = format!("line {}, column {}", error.line, error.column);
    findings
        .error(path, "template-syntax", format!("{place}: {}", error.message))
        .help("write a value as `{{code}}`; a literal `{{` is written `\\{{`");
}

fn warn_raw(text: &str, tag: &Tag, path: &str, findings: &mut Findings) {
    let place = SyntaxError::at(text, tag.span.start, "");
    findings
        .warning(
            path,
            "raw-value",
            format!(
                "line {}, column {}: this value is not escaped for HTML",
                place.line, place.column
            ),
        )
        .help("write two braces unless the value is HTML that you trust");
}

fn warn_unknown(root: &str, path: &str, findings: &mut Findings) {
    let nearest = ROOTS
        .iter()
        .map(|known| {
            (strsim::damerau_levenshtein(&root.to_lowercase(), &known.to_lowercase()), known)
        })
        .min()
        .filter(|(distance, known)| *distance <= known.len() / 2);
    let help = match nearest {
        Some((_, known)) => format!("did you mean `{known}`?"),
        None => format!("platforms send {}", ROOTS.map(|known| format!("`{known}`")).join(", ")),
    };
    findings
        .warning(
            path,
            "unknown-variable",
            format!("`{root}` is not a variable that platforms are known to send"),
        )
        .help(help);
}

fn lint_purpose(usage_type: &str, roots: &[String], path: &str, findings: &mut Findings) {
    let uses = |wanted: &str| roots.iter().any(|root| root == wanted);
    let missing = match usage_type {
        "OrganizationInvitation" if !uses("link") => {
            "an invitation without `{{link}}` cannot be accepted"
        }
        carrier if CARRIERS.contains(&carrier) && !uses("code") && !uses("link") => {
            "this mail carries neither `{{code}}` nor `{{link}}`"
        }
        _ => return,
    };
    let wanted = if usage_type == "OrganizationInvitation" { "link" } else { "code" };
    findings
        .warning(path, "no-code-or-link", missing)
        .help(format!("add `{{{{{wanted}}}}}` where the reader shall find it"));
}

/// What a parsed template uses, each once, in order.
#[derive(Debug, Default)]
struct Uses {
    /// First keys of paths that start at the payload.
    at_root: Vec<String>,
    /// First keys of paths inside `each` and `with`, which may start at an element.
    elsewhere: Vec<String>,
    unknown_helpers: Vec<String>,
}

impl Uses {
    fn root(&mut self, root: &str, at_root: bool) {
        add(if at_root { &mut self.at_root } else { &mut self.elsewhere }, root);
    }

    fn template(&mut self, template: &Handlebars, at_root: bool) {
        for element in &template.elements {
            match element {
                TemplateElement::Expression(tag) | TemplateElement::HtmlExpression(tag) => {
                    self.tag(tag, at_root);
                }
                TemplateElement::HelperBlock(block) => self.block(block, at_root),
                _ => {}
            }
        }
    }

    fn tag(&mut self, tag: &HelperTemplate, at_root: bool) {
        match &tag.name {
            Parameter::Path(_) if tag.params.is_empty() && tag.hash.is_empty() => {
                self.parameter(&tag.name, at_root);
            }
            name => self.helper(name, at_root),
        }
        self.parameters(tag, at_root);
    }

    fn block(&mut self, block: &HelperTemplate, at_root: bool) {
        self.helper(&block.name, at_root);
        self.parameters(block, at_root);
        let moves = matches!(block.name.as_name(), Some("each" | "with"));
        if let Some(body) = &block.template {
            self.template(body, at_root && !moves);
        }
        if let Some(inverse) = &block.inverse {
            self.template(inverse, at_root);
        }
    }

    fn helper(&mut self, name: &Parameter, at_root: bool) {
        match name.as_name() {
            Some(name) if HELPERS.contains(&name) => {}
            Some(name) => add(&mut self.unknown_helpers, name),
            None => self.parameter(name, at_root),
        }
    }

    fn parameters(&mut self, tag: &HelperTemplate, at_root: bool) {
        tag.params
            .iter()
            .chain(tag.hash.values())
            .for_each(|parameter| self.parameter(parameter, at_root));
    }

    fn parameter(&mut self, parameter: &Parameter, at_root: bool) {
        match parameter {
            Parameter::Path(path) => {
                if let Some((root, absolute)) = blocks::root_of(path) {
                    self.root(root, at_root || absolute);
                }
            }
            Parameter::Subexpression(expression) => {
                if let TemplateElement::Expression(tag) = expression.as_element() {
                    self.helper(&tag.name, at_root);
                    self.parameters(tag, at_root);
                }
            }
            _ => {}
        }
    }
}

fn add(list: &mut Vec<String>, name: &str) {
    if !list.iter().any(|known| known == name) {
        list.push(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(
        usage_type: &str,
        content_type: ContentType,
        subject: &str,
        content: &str,
    ) -> Vec<(String, String)> {
        let template = Template {
            pointer: "/t".to_owned(),
            usage_type: usage_type.to_owned(),
            locale: None,
            content_type,
            subject: subject.to_owned(),
            content: content.to_owned(),
        };
        let mut findings = Findings::default();
        lint(&[template], &mut findings);
        findings.into_vec().into_iter().map(|finding| (finding.path, finding.code)).collect()
    }

    #[test]
    fn contents_are_judged() {
        for (content, codes) in [
            ("{{code}}", &[][..]),
            ("{{link}} {{user.name}} {{inviter.name}} {{application.displayName}}", &[]),
            ("{{#if user.name}}{{user.name}}{{else}}{{locale}}{{/if}} {{code}}", &[]),
            ("{{#with user}}{{name}}{{@root.code}}{{/with}}", &[]),
            ("{{#each organization.list}}{{name}}{{@index}}{{../code}}{{/each}}{{link}}", &[]),
            ("{{#each organization.list as |one|}}{{one.name}}{{/each}}{{link}}", &[]),
            ("hello", &["no-code-or-link"]),
            ("{{code}} {{usr.name}}", &["unknown-variable"]),
            ("{{code}} {{#if (eq usr 1)}}{{/if}}", &["unknown-variable"]),
            ("{{code}} {{#with user}}{{@root.usr}}{{/with}}", &["unknown-variable"]),
            ("{{{code}}}", &["raw-value"]),
            ("{{code}} {{#if user}}{{&user.name}}{{/if}}", &["raw-value"]),
            ("{{code}} {{#user}}x{{/user}}", &["unknown-helper"]),
            ("{{code}} {{upper user.name}}", &["unknown-helper"]),
            ("{{#if code}}", &["template-syntax"]),
        ] {
            let expected: Vec<_> =
                codes.iter().map(|code| ("/t/content".to_owned(), (*code).to_owned())).collect();
            assert_eq!(found("SignIn", ContentType::Html, "s", content), expected, "{content}");
        }
    }

    #[test]
    fn what_a_mail_must_carry_depends_on_its_type() {
        for (usage_type, content, warned) in [
            ("Generic", "x", true),
            ("BindMfa", "{{link}}", false),
            ("OrganizationInvitation", "{{code}}", true),
            ("OrganizationInvitation", "{{link}}", false),
            ("Newsletter", "x", false),
        ] {
            let found = found(usage_type, ContentType::Plain, "s", content);
            assert_eq!(
                found.iter().any(|(_, code)| code == "no-code-or-link"),
                warned,
                "{usage_type} {content}"
            );
        }
    }

    #[test]
    fn subjects_are_judged() {
        for (subject, code) in
            [(" ", "empty-subject"), ("{{cod}}", "unknown-variable"), ("{{code", "template-syntax")]
        {
            let expected = [("/t/subject".to_owned(), code.to_owned())];
            assert_eq!(found("SignIn", ContentType::Plain, subject, "{{{code}}}"), expected);
        }
    }

    #[test]
    fn findings_help() {
        let mut findings = Findings::default();
        warn_unknown("usr", "/t", &mut findings);
        report_syntax(&SyntaxError::at("a\nb", 2, "what"), "/t", &mut findings);
        let texts: Vec<_> =
            findings.into_vec().into_iter().map(|found| (found.message, found.help)).collect();
        assert_eq!(texts[0].1.as_deref(), Some("did you mean `user`?"));
        assert_eq!(texts[1].0, "line 2, column 1: what");
    }
}
