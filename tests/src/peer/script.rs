//! What a peer is to say and to hear, row by row.

use std::time::Duration;

use super::ServerTls;

/// What a peer does on one connection. After the last row the client must close, having said
/// nothing more.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Script {
    pub(super) rows: Vec<Row>,
}

#[derive(Debug, Clone)]
pub(super) enum Row {
    Say(Vec<u8>),
    Drip(Vec<u8>, Duration),
    Flood(Vec<u8>),
    Hear(String),
    HearOctets(Vec<u8>),
    HearContent(Option<Vec<u8>>),
    Wait(Duration),
    Stall,
    StopReading,
    Close,
    Reset,
    Tls(ServerTls),
    FailTls(ServerTls),
}

impl Script {
    /// A peer that says nothing by itself.
    pub fn new() -> Self {
        Self::default()
    }

    /// A peer that greets.
    pub fn greeting() -> Self {
        Self::new().say("220 peer ESMTP\r\n")
    }

    /// A peer that greets and answers EHLO with these service extensions.
    pub fn offering(extensions: &[&str]) -> Self {
        Self::greeting().ehlo(extensions)
    }

    /// Hears EHLO and answers with these service extensions.
    pub fn ehlo(self, extensions: &[&str]) -> Self {
        let mut lines = vec!["peer"];
        lines.extend(extensions);
        let last = lines.len() - 1;
        let marked =
            lines.iter().enumerate().map(|(at, line)| (if at == last { ' ' } else { '-' }, line));
        let reply: String = marked.map(|(mark, line)| format!("250{mark}{line}\r\n")).collect();
        self.on("EHLO *", reply)
    }

    /// Hears a line, then answers. The reply is sent as it is: it needs its own CRLF.
    pub fn on(self, line: &str, reply: impl AsRef<[u8]>) -> Self {
        self.hear(line).say(reply)
    }

    /// Sends these octets.
    pub fn say(self, octets: impl AsRef<[u8]>) -> Self {
        self.row(Row::Say(octets.as_ref().to_vec()))
    }

    /// Sends these octets one by one, with a pause before each.
    pub fn drip(self, octets: impl AsRef<[u8]>, pause: Duration) -> Self {
        self.row(Row::Drip(octets.as_ref().to_vec(), pause))
    }

    /// Sends these octets again and again until the client closes. What follows in the script is
    /// not played.
    pub fn flood(self, octets: impl AsRef<[u8]>) -> Self {
        self.row(Row::Flood(octets.as_ref().repeat(1000)))
    }

    /// Hears a line that ends with CRLF and is this one; each `*` stands for any text.
    pub fn hear(self, line: &str) -> Self {
        self.row(Row::Hear(line.to_owned()))
    }

    /// Hears exactly these octets, as for a proxy that does not speak in lines.
    pub fn hear_octets(self, octets: impl AsRef<[u8]>) -> Self {
        self.row(Row::HearOctets(octets.as_ref().to_vec()))
    }

    /// Hears a message of exactly these octets, which include doubled dots and the final dot.
    pub fn hear_content(self, octets: impl AsRef<[u8]>) -> Self {
        self.row(Row::HearContent(Some(octets.as_ref().to_vec())))
    }

    /// Hears any message up to its final dot.
    pub fn hear_any_content(self) -> Self {
        self.row(Row::HearContent(None))
    }

    /// Does nothing for a while.
    pub fn wait(self, duration: Duration) -> Self {
        self.row(Row::Wait(duration))
    }

    /// Says nothing more until the client closes, whatever it sends.
    pub fn stall(self) -> Self {
        self.row(Row::Stall)
    }

    /// Reads nothing more until the test finishes the peer.
    pub fn stop_reading(self) -> Self {
        self.row(Row::StopReading)
    }

    /// Closes the connection. What follows in the script is not played.
    pub fn close(self) -> Self {
        self.row(Row::Close)
    }

    /// Resets the connection. What follows in the script is not played.
    pub fn reset(self) -> Self {
        self.row(Row::Reset)
    }

    /// Does the TLS handshake: as the first row for implicit TLS, after `220` for STARTTLS.
    pub fn tls(self, config: &ServerTls) -> Self {
        self.row(Row::Tls(ServerTls::clone(config)))
    }

    /// Hears STARTTLS, agrees, and does the handshake.
    pub fn starttls(self, config: &ServerTls) -> Self {
        self.on("STARTTLS", "220 go ahead\r\n").tls(config)
    }

    /// Does a TLS handshake that the client must break off. What follows in the script is not
    /// played.
    pub fn fail_tls(self, config: &ServerTls) -> Self {
        self.row(Row::FailTls(ServerTls::clone(config)))
    }

    /// Takes one message and says goodbye.
    pub fn takes_mail(self) -> Self {
        let taken = self.on("MAIL FROM:*", "250 2.1.0 ok\r\n").on("RCPT TO:*", "250 2.1.5 ok\r\n");
        taken.on("DATA", "354 go\r\n").hear_any_content().say("250 2.0.0 queued as 42\r\n").quit()
    }

    /// Hears QUIT and says goodbye.
    pub fn quit(self) -> Self {
        self.on("QUIT", "221 goodbye\r\n")
    }

    fn row(mut self, row: Row) -> Self {
        self.rows.push(row);
        self
    }
}

/// Whether a line is the expected one, in which each `*` stands for any text.
pub(super) fn matches(expected: &str, line: &[u8]) -> bool {
    let mut pieces = expected.as_bytes().split(|&octet| octet == b'*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let at = (0..=rest.len()).find(|&at| rest[at..].starts_with(piece));
        let Some(at) = at else { return false };
        rest = &rest[at + piece.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stand_for_any_text() {
        let rows = [
            ("QUIT", "QUIT", true),
            ("QUIT", "QUIT ", false),
            ("EHLO *", "EHLO client", true),
            ("EHLO *", "EHLO ", true),
            ("EHLO *", "HELO client", false),
            ("MAIL FROM:<*@b> SIZE=*", "MAIL FROM:<a@b> SIZE=12", true),
            ("MAIL FROM:<*@b> SIZE=*", "MAIL FROM:<a@c> SIZE=12", false),
            ("*", "", true),
            ("a*b", "ab", true),
            ("a*b", "a", false),
        ];
        for (expected, line, verdict) in rows {
            assert_eq!(matches(expected, line.as_bytes()), verdict, "{expected} against {line}");
        }
    }
}
