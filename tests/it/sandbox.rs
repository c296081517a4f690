//! Components that misbehave, reach out or lead elsewhere hurt nobody else.

mod admission;
mod agreement;
mod envelope;
mod isolation;
mod misbehaviour;
mod plans;
mod weaker_plans;
