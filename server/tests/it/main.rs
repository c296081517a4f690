//! The service beside what others wrote.

mod hooks;
