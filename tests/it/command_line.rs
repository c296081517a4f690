//! The command line against its contract, one module for each command: documents, exit codes, and
//! what people read.

mod check;
mod information;
mod render;
mod send;
mod serve;
mod verify;
