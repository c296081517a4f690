//! x
pub mod real;
