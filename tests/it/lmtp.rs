//! LMTP, with the scripted peer and with servers that others wrote.

mod real;
mod session;
