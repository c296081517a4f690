//! Sessions against a scripted server on loopback: what is said, and what is made of the answers.

mod cuts;
mod dialogue;
mod flow;
mod memory;
mod model;
mod peer;
mod permit;
mod recipient;
mod smuggling;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::pool::{Keeping, Tries};
use super::{Prepared, Submitter};
use crate::delivery::Delivery;
use crate::egress::EgressPolicy;
use crate::error::{Error, Result};
use crate::plan::{
    Authentication, Endpoint, Logging, PasswordLogin, Protocol, SecretRef, Timeouts, TlsMode,
    TlsOptions, TransportPlan,
};
use crate::receipt::{Envelope, Receipt};
use crate::redactor::Redactor;
use crate::secrets::{Observer, Secret, SecretStore, Source};
use peer::Peer;

/// A plan for a server on loopback, in clear and without credentials.
pub(super) fn plan(port: u16) -> TransportPlan {
    let patience = Duration::from_secs(5);
    TransportPlan {
        endpoint: Endpoint { host: "127.0.0.1".parse().expect("a host"), port },
        protocol: Protocol::Smtp,
        tls: TlsMode::OpportunisticStarttls,
        plaintext_after_refusal: false,
        tls_options: TlsOptions {
            server_name: None,
            verify_certificate: true,
            roots: Vec::new(),
            identity: None,
            minimum_version: None,
            maximum_version: None,
            cipher_suites: Vec::new(),
        },
        authentication: Authentication::None,
        force_authentication: false,
        ehlo_name: Some("app.test".to_owned()),
        local_address: None,
        proxy: None,
        timeouts: Timeouts {
            dns: patience,
            connection: patience,
            greeting: patience,
            socket: patience,
        },
        pool: None,
        pipelining: true,
        dkim: None,
        logging: Logging::None,
    }
}

pub(super) fn password(user: &str) -> Authentication {
    let password = SecretRef("/auth/pass".to_owned());
    Authentication::Password(PasswordLogin { user: user.to_owned(), password, mechanism: None })
}

fn submitter(plan: TransportPlan) -> Result<Submitter> {
    submitter_keeping(plan, Keeping::default())
}

fn submitter_keeping(plan: TransportPlan, keeping: Keeping) -> Result<Submitter> {
    let mut secrets = SecretStore::default();
    secrets.keep("/auth/pass".to_owned(), Source::Inline(Secret::new("hunter2-and-more")));
    let (secrets, egress) = (Arc::new(secrets), EgressPolicy::any());
    Submitter::keeping(plan, secrets, egress, Observer::default(), keeping)
}

fn prepared(to: &[&str], content: &str) -> Arc<Prepared> {
    Arc::new(Prepared {
        envelope: Envelope {
            reverse_path: "app@a.test".to_owned(),
            forward_paths: to.iter().map(|address| (*address).to_owned()).collect(),
        },
        message_id: "<1@a.test>".to_owned(),
        bytes: content.as_bytes().to_vec(),
    })
}

/// Tries once to hand a message to the server.
async fn attempt(
    submitter: &Submitter,
    prepared: &Arc<Prepared>,
    redactor: &Redactor,
    deadline: Option<Instant>,
) -> Result<Receipt> {
    let mut tries = Tries::new(deadline, None);
    submitter.pool.attempt(prepared, redactor, &Delivery::default(), &mut tries).await
}

/// Submits a short message; gives what became of it and what the server heard.
async fn submit(peer: Peer, change: impl FnOnce(&mut TransportPlan)) -> (Result<Receipt>, String) {
    submit_message(peer, change, &prepared(&["ann@b.test"], "Subject: hi\r\n\r\nhello\r\n")).await
}

async fn submit_message(
    peer: Peer,
    change: impl FnOnce(&mut TransportPlan),
    prepared: &Arc<Prepared>,
) -> (Result<Receipt>, String) {
    let (address, heard) = peer.start().await;
    let mut plan = plan(address.port());
    change(&mut plan);
    let submitter = submitter(plan).expect("a plan within this host's means");
    let redactor = Redactor::default().with(["482913"]);
    let result = attempt(&submitter, prepared, &redactor, None).await;
    (result, heard.await.expect("the peer's task"))
}

/// Submits a short message that must fail.
async fn failure(peer: Peer, change: impl FnOnce(&mut TransportPlan)) -> (Error, String) {
    let (result, heard) = submit(peer, change).await;
    (result.expect_err("a failure"), heard)
}
