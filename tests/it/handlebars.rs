//! What templates mean is what handlebars.js makes of them.
//!
//! The judge is npm's package; Logto's rule for what stands outside blocks is put in front of it.

mod generator;
mod judge;

use std::cell::Cell;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use smtp_connector::{ContentType, Mailer, Request, TemplateOverride};
use tokio::runtime::Runtime;

use crate::helpers::tenant;
use generator::Pair;
use judge::Judge;

/// Pairs of a template and a payload.
const PAIRS: u32 = 20_000;

/// The same ones each time.
const SEED: u64 = 0x6d61_696c;

/// The least share of the pairs that handlebars.js can render, in hundredths: the others prove
/// nothing.
const RENDERED: u32 = 95;

#[test]
#[ignore = "needs npm's handlebars; .ci/run installs it"]
fn templates_mean_what_handlebars_js_makes_of_them() {
    let runtime = Runtime::new().expect("a runtime");
    let mailer = runtime.block_on(async {
        let connector = tenant::bundled().await;
        tenant::mailer(&connector, &tenant::configuration(587)).await
    });
    let judge = Judge::start();
    let rendered = Cell::new(0);
    let config = Config {
        cases: PAIRS,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(SEED),
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&generator::pair(), |pair| {
        let Some(expected) = judge.render(&pair) else { return Ok(()) };
        rendered.set(rendered.get() + 1);
        let found = runtime.block_on(render(&mailer, &pair));
        if found == expected {
            return Ok(());
        }
        Err(TestCaseError::fail(format!("handlebars.js: {expected:?}\nhere: {found:?}")))
    });
    match outcome {
        Ok(()) => assert!(rendered.get() * 100 >= PAIRS * RENDERED, "{} rendered", rendered.get()),
        Err(TestError::Fail(reason, pair)) => panic!("{}\n{reason}", pair.describe()),
        Err(error) => panic!("{error}"),
    }
}

/// A template's text, or what is wrong with it.
async fn render(mailer: &Mailer, pair: &Pair) -> String {
    let content_type = if pair.html { ContentType::Html } else { ContentType::Plain };
    let mut template = TemplateOverride::new("a subject", pair.template.to_string());
    template.content_type = Some(content_type);
    let request = Request::new("Newsletter", "user@example.com").payload(pair.payload.clone());
    match mailer.compose(&request.template(template)).await {
        Ok(message) => message.html.or(message.text).unwrap_or_default(),
        Err(error) => format!("{error:?}"),
    }
}
