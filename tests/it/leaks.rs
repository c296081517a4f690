//! leaks.
