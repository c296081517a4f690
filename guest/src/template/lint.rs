//! What a check says about templates beyond their shape: syntax, helpers that do not exist,
//! variables that no platform sends, and mails that would carry neither a code nor a link.

mod tags;
mod uses;

use super::helper;
use super::purpose;
use super::scan::{self, SyntaxError, Tags};
use super::text::Escaping;
use super::tree;
use crate::bindings::exports::smtp_connector::contract::messages::ContentType;
use crate::config::templates::Template;
use crate::findings::Findings;
use uses::Uses;

/// The roots that platforms send with every type.
const ROOTS: [&str; 8] =
    ["code", "link", "locale", "uiLocales", "application", "organization", "user", "inviter"];

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
        Ok(tags) => tags::lint(text, &tags, path, escaping, findings),
        Err(error) => {
            report_syntax(&error, path, findings);
            return None;
        }
    }
    for name in &uses.unknown_helpers {
        findings.error(path, "unknown-helper", helper::unknown(name)).help(format!(
            "`{{{{#if {name}}}}}`, `{{{{#with {name}}}}}` and `{{{{#each {name}}}}}` are blocks \
                over a value"
        ));
    }
    for root in uses.at_root.iter().filter(|root| !ROOTS.contains(&root.as_str())) {
        warn_unknown(root, path, findings);
    }
    for name in &uses.nowhere {
        warn_nowhere(name, path, findings);
    }
    uses.at_root.append(&mut uses.elsewhere);
    Some(uses.at_root)
}

/// Finds the tags of a text, and what it uses.
fn parse(text: &str, uses: &mut Uses) -> Result<Tags, SyntaxError> {
    let tags = scan::scan(text)?;
    if tags.are_plain() {
        let paths = tags.list.iter().filter_map(|tag| tag.path.clone());
        paths.for_each(|path| uses.placeholder(&text[path]));
    } else {
        uses.tree(text, &tree::parse(text, &tags)?);
    }
    Ok(tags)
}

fn report_syntax(error: &SyntaxError, path: &str, findings: &mut Findings) {
    let place = format!("line {}, column {}", error.line, error.column);
    findings
        .error(path, "template-syntax", format!("{place}: {}", error.message))
        .help("write a value as `{{code}}`; a literal `{{` is written `\\{{`");
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

/// Says that a path is empty wherever the mail goes.
fn warn_nowhere(name: &str, path: &str, findings: &mut Findings) {
    let help = if name.starts_with('@') {
        "`@index`, `@key`, `@first` and `@last` are provided by `{{#each}}`, `@root` everywhere"
    } else {
        "`../` goes out of `{{#each}}` and `{{#with}}`, not out of `{{#if}}`: leave it out"
    };
    findings
        .warning(path, "unknown-variable", format!("`{name}` is nothing where it stands"))
        .help(help);
}

fn lint_purpose(usage_type: &str, roots: &[String], path: &str, findings: &mut Findings) {
    let carried = purpose::carried(usage_type);
    if carried.is_empty() || carried.iter().any(|name| roots.iter().any(|root| root == name)) {
        return;
    }
    let missing = match carried {
        ["link"] => "an invitation without `{{link}}` cannot be accepted",
        _ => "this mail carries neither `{{code}}` nor `{{link}}`",
    };
    findings
        .warning(path, "no-code-or-link", missing)
        .help(format!("add `{{{{{}}}}}` where the reader shall find it", carried[0]));
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
            (
                "{{code}} {{#if user}}{{../code}}{{@code}}{{@index}}{{/if}}",
                &["unknown-variable"; 3],
            ),
            ("{{#each user}}{{../code}}{{@../index}}{{/each}}", &["unknown-variable"]),
            ("{{#with user as |u|}}{{../u}}{{u.name}}{{/with}}{{code}}", &["unknown-variable"]),
            ("{{code}} {{color:red}}", &["no-placeholder"]),
            ("{{code}} {{@code}} <a href={{link}}>", &["no-placeholder", "unquoted-attribute"]),
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
