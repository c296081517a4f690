//! Mail servers that others wrote take mail over each way that they offer.

mod aiosmtpd;
mod exim;
mod logto;
mod postfix;
mod smtp_server;
