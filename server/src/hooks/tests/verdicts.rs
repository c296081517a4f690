//! The answers of each dialect.

use serde_json::json;
use smtp_connector::{Error, ErrorKind};

use super::*;

/// The status and the body of each dialect's answer.
fn answers(verdict: &Verdict<'_>) -> Vec<(Dialect, u16, String)> {
    let answers = Dialect::ALL.map(|dialect| (dialect, answer(dialect, verdict)));
    answers.into_iter().map(|(dialect, a)| (dialect, a.status.as_u16(), a.body)).collect()
}

/// The statuses, in the order of [`Dialect::ALL`].
fn statuses(verdict: &Verdict<'_>) -> [u16; 10] {
    let statuses: Vec<_> = answers(verdict).into_iter().map(|(_, status, _)| status).collect();
    statuses.try_into().expect("one for each")
}

#[test]
fn statuses_are_those_that_each_platform_takes_for_what_happened() {
    let address = Error::new(ErrorKind::Address, "`to` holds no usable address");
    let template = Error::new(ErrorKind::Template, "`SignIn` cannot be rendered");
    let login = Error::new(ErrorKind::Credentials, "the server answered 535 no");
    let lost = Error::new(ErrorKind::Lost, "the connection was lost");
    let minute = Duration::from_secs(60);
    // Casdoor, Clerk, Entra, Hanko, Kratos, Logto, SendGrid, Standard, Supabase, Zitadel.
    let rows = [
        (Verdict::Queued, [200, 202, 200, 200, 200, 202, 202, 202, 204, 202]),
        (Verdict::Delivered, [200, 200, 200, 200, 200, 200, 202, 200, 204, 200]),
        (Verdict::Nothing, [200, 200, 200, 200, 200, 200, 202, 200, 204, 200]),
        (Verdict::Unavailable, [503, 503, 503, 503, 503, 503, 503, 503, 500, 503]),
        (
            Verdict::Limited { retry_after: minute },
            [429, 429, 429, 200, 200, 429, 429, 429, 200, 429],
        ),
        (Verdict::Failed(&address), [422, 422, 422, 200, 200, 422, 422, 422, 200, 422]),
        (Verdict::Failed(&template), [422, 422, 422, 200, 200, 422, 422, 422, 422, 422]),
        (Verdict::Failed(&login), [502; 10]),
        (Verdict::Failed(&lost), [503, 503, 503, 503, 503, 503, 503, 503, 500, 503]),
        (Verdict::Refused(&Refusal::UnknownKey), [401; 10]),
        (Verdict::Refused(&Refusal::TooLarge), [413; 10]),
    ];
    for (verdict, expected) in rows {
        assert_eq!(statuses(&verdict), expected, "{verdict:?}");
    }
}

#[test]
fn a_success_and_a_failure_have_the_body_that_each_platform_reads() {
    let queued = r#"{"status":"queued"}"#;
    let entra = json!({ "data": {
        "@odata.type": "microsoft.graph.OnOtpSendResponseData",
        "actions": [{ "@odata.type": "microsoft.graph.OtpSend.continueWithDefaultBehavior" }],
    } });
    let successes = answers(&Verdict::Queued).into_iter().map(|(_, _, body)| body);
    let entra = entra.to_string();
    let expected = ["queued", queued, &entra, queued, queued, "queued", "", queued, "", queued];
    assert_eq!(successes.collect::<Vec<_>>(), expected);

    let line = "too many mails to this address; try again later";
    let problem = json!({ "title": "Too Many Requests", "status": 429, "detail": line });
    let refused = json!({ "status": "refused", "detail": line }).to_string();
    let errors = json!({ "errors": [{ "message": line, "field": null, "help": null }] });
    let supabase = json!({ "error": { "http_code": 429, "message": line } });
    let (problem, errors, supabase) =
        (problem.to_string(), errors.to_string(), supabase.to_string());
    let expected = [
        line, &problem, &problem, &refused, &refused, line, &errors, &problem, &supabase, &problem,
    ];
    let limited = Verdict::Limited { retry_after: Duration::from_millis(1500) };
    let failures = answers(&limited).into_iter().map(|(_, _, body)| body);
    assert_eq!(failures.collect::<Vec<_>>(), expected);
}

#[test]
fn a_limit_says_when_it_ends_where_its_status_is_429() {
    let limited = Verdict::Limited { retry_after: Duration::from_millis(1500) };
    for dialect in Dialect::ALL {
        let answer = answer(dialect, &limited);
        let field = answer.headers.iter().find(|(name, _)| name == "retry-after");
        let seconds = field.map(|(_, value)| value.to_str().expect("a number"));
        assert_eq!(seconds, (answer.status == 429).then_some("2"), "{dialect}");
    }
}

#[test]
fn a_problem_holds_the_librarys_error() {
    let error = Error::new(ErrorKind::Refused, "the server answered 550 no").with_attempts(2);
    let answer = answer(Dialect::Standard, &Verdict::Failed(&error));
    assert_eq!(answer.content_type, Some("application/problem+json"));
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(body["error"]["kind"], "refused");
    assert_eq!(body["error"]["attempts"], 2);
    assert_eq!(body["detail"], "refused: the server answered 550 no");
}

/// Supabase reads a body only beside this type.
#[test]
fn supabase_gets_json_or_nothing() {
    let address = Error::new(ErrorKind::Address, "`to` holds no usable address");
    let shown = answer(Dialect::Supabase, &Verdict::Failed(&address));
    assert_eq!(shown.content_type, Some("application/json"));
    assert_eq!(answer(Dialect::Supabase, &Verdict::Queued).content_type, None);
}
