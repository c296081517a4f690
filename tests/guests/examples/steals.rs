//! Uses secrets where they do not belong: the host must resolve a reference only in a secret's
//! place.
//!
//! Markers in the configuration: `steal-unknown-pointer`, `steal-public-pointer`, `steal-as-user`,
//! `steal-as-ehlo-name`; for somebody else than the one they are for: `steal-for-proxy`,
//! `steal-for-endpoint`, `steal-as-form-field`, `steal-as-header-field`, `steal-from-proxy`,
//! `steal-from-endpoint`. With `smuggle-in-header` it frames a request for a token anew. Messages
//! always carry whatever stands in the password's place.

use smtp_connector_test_guests::connector::Report;
use smtp_connector_test_guests::messages::{ComposeError, Message, Request};
use smtp_connector_test_guests::transport::{
    Authentication, Parameter, ParameterValue, PasswordLogin, Secret, TokenRequest,
};
use smtp_connector_test_guests::{
    Behaviour, component, login_by_token, message, plan, proxy, report, text_at, token_request,
};

const PASSWORD: &str = "/auth/pass";

const CLIENT_SECRET: &str = "/auth/clientSecret";

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
        } else if configuration.contains("steal-from-proxy") {
            plan.authentication = login("jo", "/proxy");
        } else if configuration.contains("steal-from-endpoint") {
            plan.authentication = login("jo", CLIENT_SECRET);
        } else if configuration.contains("steal-for-proxy") {
            let mut robbed = proxy("proxy.example", 1080);
            (robbed.user, robbed.password) = (Some("jo".to_owned()), Some(secret(PASSWORD)));
            plan.proxy = Some(robbed);
        } else if let Some(request) = request(configuration) {
            plan.authentication = login_by_token(request);
        }
        report(configuration, plan)
    }

    fn compose(configuration: &str, request: Request) -> Result<Message, ComposeError> {
        let stolen = text_at(configuration, PASSWORD);
        Ok(Message {
            subject: stolen.clone(),
            text: Some(stolen),
            ..message(configuration, &request)
        })
    }
}

/// A request for a token that carries more than it should.
fn request(configuration: &str) -> Option<TokenRequest> {
    let url = text_at(configuration, "/auth/accessUrl");
    let mut request = token_request(&url, CLIENT_SECRET);
    let field = |name: &str, value| Parameter { name: name.to_owned(), value };
    if configuration.contains("steal-for-endpoint") {
        return Some(token_request(&url, PASSWORD));
    } else if configuration.contains("steal-as-form-field") {
        request.parameters.push(field("x", ParameterValue::Secret(secret(PASSWORD))));
    } else if configuration.contains("steal-as-header-field") {
        request.headers.push(field("X-A", ParameterValue::Secret(secret(PASSWORD))));
    } else if configuration.contains("smuggle-in-header") {
        request
            .headers
            .push(field("transfer-encoding", ParameterValue::Text("chunked".to_owned())));
    } else {
        return None;
    }
    Some(request)
}

fn secret(pointer: &str) -> Secret {
    Secret { pointer: pointer.to_owned() }
}

fn login(user: &str, pointer: &str) -> Authentication {
    let password = secret(pointer);
    Authentication::Password(PasswordLogin { user: user.to_owned(), password, mechanism: None })
}

component!(Steals);
