//! How busy the connections of a mailer are.

/// How busy the connections of a [`Mailer`](crate::Mailer) are at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Occupancy {
    /// The connections that are open, or about to be.
    pub connections: usize,
    /// Those of them that wait for a message.
    pub idle: usize,
    /// The messages that wait for a connection.
    pub waiting: usize,
}
