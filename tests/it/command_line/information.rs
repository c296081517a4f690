//! `describe`, `schema`, `example`, `demo`, help, and what is said about a command line that is
//! none.

use std::process::Command;

use serde_json::{Value, json};
use smtp_connector_tests::cli::binary;

use crate::helpers::command::{check_json, command};

#[test]
fn the_component_describes_itself() {
    let outcome = command(["describe"]).run_blocking();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    let descriptor = outcome.json();
    assert_eq!(descriptor["target"], "smtp");
    let outcome = command(["schema"]).run_blocking();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    check_json(&outcome.json(), &descriptor["configurationSchema"], "schema");
}

#[test]
fn an_example_is_found_by_its_name_in_any_case() {
    for arguments in [&["example"][..], &["example", "all"], &["example", "ALL"]] {
        let outcome = command(arguments).run_blocking();
        assert_eq!(outcome.code, Some(0));
        assert_eq!(outcome.json()["host"], "smtp.example.com");
    }
    let outcome = command(["example", "nobody"]).run_blocking();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(64), ""));
    assert!(
        outcome.stderr.starts_with("error: there is no example `nobody`\n"),
        "{}",
        outcome.stderr
    );
    for known in ["gmail", "gmail-oauth2", "sendgrid", "aliyun", "outlook365", "all"] {
        assert!(outcome.stderr.contains(&format!("`{known}`")), "{}", outcome.stderr);
    }
}

#[test]
fn the_demonstration_shows_a_mail_of_every_type() {
    let outcome = command(["demo"]).run_blocking();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    let types = [
        "SignIn",
        "Register",
        "ForgotPassword",
        "OrganizationInvitation",
        "Generic",
        "UserPermissionValidation",
        "BindNewIdentifier",
        "MfaVerification",
        "BindMfa",
    ];
    for (index, usage_type) in types.into_iter().enumerate() {
        let title =
            format!("\n{}/9 {usage_type} TLSv1.3, authenticated as demo@example.com, ", index + 1);
        assert!(outcome.stdout.contains(&title), "{}", outcome.stdout);
    }
    assert_eq!(outcome.stdout.matches("  To       Jo Doe <jo@example.org>\n").count(), 9);
    assert!(outcome.stdout.ends_with("✓ 9 mails arrived\n"));
    assert!(!outcome.stdout.contains('\u{1b}'), "colours are for terminals");
}

#[test]
fn help_and_version_go_to_the_standard_output() {
    for argument in ["--help", "--version", "help"] {
        let outcome = command([argument]).run_blocking();
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{argument}");
        assert!(outcome.stdout.contains("smtp-connector"), "{argument}");
    }
}

#[test]
fn a_wrong_command_line_is_explained_as_the_parser_does() {
    let cases: [(&[&str], &str); 4] = [
        (&[], "Usage: smtp-connector [OPTIONS] <COMMAND>\n"),
        (&["chekc"], "tip: some similar subcommands exist: 'schema', 'check'\n"),
        (&["check"], "error: the following required arguments were not provided:\n  <CONFIG>\n"),
        (&["describe", "--egress", "a,,b"], "error: invalid value 'a,,b' for '--egress"),
    ];
    for (arguments, expected) in cases {
        let outcome = command(arguments).run_blocking();
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(64), ""), "{arguments:?}");
        assert!(outcome.stderr.contains(expected), "{}", outcome.stderr);
    }
}

#[test]
fn a_wrong_command_line_is_one_document_where_json_is_wanted() {
    let cases: [(&[&str], &str); 4] = [
        (&["check", "--json"], "the following required arguments were not provided: <CONFIG>"),
        (
            &["send", "config.json", "--json", "--type"],
            "a value is required for '--type <TYPE>' but none was supplied",
        ),
        (&["--json"], "unexpected argument '--json' found"),
        (&["verify", "a", "b", "--json"], "unexpected argument 'b' found"),
    ];
    for (arguments, message) in cases {
        let outcome = command(arguments).run_blocking();
        assert_eq!(outcome.code, Some(64), "{arguments:?}");
        let mut document = outcome.json();
        let error = document["error"].as_object_mut().expect("an error");
        error.remove("hint");
        let expected: Value = json!({ "error": {
            "kind": "usage", "transient": false, "ambiguous": false, "attempts": 0,
            "message": message,
        }});
        check_json(&document, &expected, message);
        assert!(outcome.stderr.starts_with("error: "), "{}", outcome.stderr);
    }
}

#[test]
fn a_reader_that_went_away_changes_no_exit_code() {
    for (arguments, code) in [(&["check", "/nowhere"][..], 66), (&["check", "--json"], 64)] {
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        drop(reader);
        let stdout = writer.try_clone().expect("a pipe can be cloned");
        let status = Command::new(binary()).args(arguments).stdout(stdout).stderr(writer).status();
        assert_eq!(status.expect("the command runs").code(), Some(code), "{arguments:?}");
    }
}
