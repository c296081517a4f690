//! The pool: messages wait in a queue, couriers carry them over connections that are kept.

pub(super) mod connections;
pub(super) mod courier;
pub(super) mod errand;
pub(super) mod queue;
pub(super) mod rate;
