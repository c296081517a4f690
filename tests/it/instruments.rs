//! The instruments of the tests do what the tests rely on.

mod cli;
mod faulty;
mod guests;
mod peer;
