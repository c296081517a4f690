//! The border between the two languages: errors, and promises.

use std::future::Future;

use napi::bindgen_prelude::{PromiseRaw, ToNapiValue};
use napi::{Env, Status};
use serde_json::{Value, json};
use smtp_connector::Error;

/// An error as JSON, which the other side makes an exception of.
pub(crate) fn thrown(error: &Value) -> napi::Error {
    napi::Error::new(Status::GenericFailure, error.to_string())
}

/// An error of the library, with what was said on the connection.
pub(crate) fn failure(error: &Error) -> napi::Error {
    thrown(&described(error))
}

/// An error of the library as JSON.
pub(crate) fn described(error: &Error) -> Value {
    let mut members = json!(error);
    if let Some(transcript) = error.transcript() {
        members["transcript"] = transcript.to_string().into();
    }
    members
}

/// An error of the program that calls.
pub(crate) fn misuse(message: impl std::fmt::Display) -> napi::Error {
    thrown(&json!({ "kind": "usage", "message": message.to_string() }))
}

/// Starts a call whose outcome a promise tells. One that panics rejects it.
pub(crate) fn promise<'env, T: ToNapiValue + Send + 'static>(
    env: &'env Env,
    call: impl Future<Output = napi::Result<T>> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, T>> {
    env.spawn_future(call)
}
