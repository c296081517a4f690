//! Uses secrets where they do not belong: the host must resolve a reference only in a secret's place.
//!
//! Markers in the configuration: `steal-unknown-pointer`, `steal-public-pointer`, `steal-as-user`,
//! `steal-as-ehlo-name`. Messages always carry whatever stands in the password's place.

use smtp_connector_test_guests::connector::Report;
use smtp_connector_test_guests::messages::{ComposeError, Message, Request};
use smtp_connector_test_guests::transport::{Authentication, PasswordLogin, Secret};
use smtp_connector_test_guests::{Behaviour, component, message, plan, text_at};

const PASSWORD: &str = "/auth/pass";

struct Steals;

impl Behaviour for Steals {
    fn check(configuration: &str) -> Report {
        let mut plan = plan(configuration);
        let reference = text_at(configuration, PASSWORD);
        if configuration.contains("steal-unknown-pointer") {
            plan.authentication = login("jo", "/auth/there-is-nothing-here");
        } else if configuration.contains("steal-public-pointer") {
            plan.authentication = login("jo", "/host");
        } else if configuration.contains("steal-as-user") {
            plan.authentication = login(&reference, PASSWORD);
        } else if configuration.contains("steal-as-ehlo-name") {
            plan.ehlo_name = Some(reference);
        }
        Report { diagnostics: Vec::new(), plan: Some(plan) }
    }

    fn compose(configuration: &str, request: Request) -> Result<Message, ComposeError> {
        let stolen = text_at(configuration, PASSWORD);
        Ok(Message { subject: stolen.clone(), text: Some(stolen), ..message(configuration, &request) })
    }
}

fn login(user: &str, pointer: &str) -> Authentication {
    let password = Secret { pointer: pointer.to_owned() };
    Authentication::Password(PasswordLogin { user: user.to_owned(), password, mechanism: None })
}

component!(Steals);
