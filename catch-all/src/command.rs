//! SMTP commands as a client writes them (RFC 5321 §4.1.1), parsed strictly.
//!
//! What cannot be parsed is the reply that says why. Whether a command may come now is the
//! session's question.

/// The longest path with its angle brackets (RFC 5321 §4.5.3.1.3).
const MAX_PATH: usize = 256;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Ehlo,
    Helo,
    Starttls,
    Auth { mechanism: String, initial: Option<String> },
    Mail(Mail),
    Rcpt { forward_path: String },
    Data,
    Rset,
    Noop,
    Vrfy,
    Quit,
}

/// MAIL and its parameters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Mail {
    pub(super) reverse_path: String,
    /// SIZE (RFC 1870).
    pub(super) size: Option<usize>,
    /// BODY=8BITMIME (RFC 6152).
    pub(super) eight_bit: bool,
    /// SMTPUTF8 (RFC 6531).
    pub(super) utf8: bool,
    /// Whether there were parameters at all.
    pub(super) extended: bool,
}

impl Command {
    /// Reads a line without its CRLF. The error is the reply.
    pub(super) fn parse(line: &[u8]) -> Result<Self, &'static str> {
        let line = std::str::from_utf8(line).map_err(|_| "500 5.5.2 the command is not UTF-8")?;
        if line.chars().any(char::is_control) {
            return Err("500 5.5.2 the command has a control character");
        }
        let (verb, argument) =
            line.split_once(' ').map_or((line, None), |(verb, rest)| (verb, Some(rest)));
        let command = match (verb.to_ascii_uppercase().as_str(), argument) {
            ("EHLO", Some(name)) => return named(Self::Ehlo, name),
            ("HELO", Some(name)) => return named(Self::Helo, name),
            ("MAIL", Some(argument)) => return Mail::parse(argument).map(Self::Mail),
            ("RCPT", Some(argument)) => return rcpt(argument),
            ("AUTH", Some(argument)) => return auth(argument),
            ("NOOP", _) => Self::Noop,
            ("VRFY", Some(_)) => Self::Vrfy,
            ("STARTTLS", None) => Self::Starttls,
            ("DATA", None) => Self::Data,
            ("RSET", None) => Self::Rset,
            ("QUIT", None) => Self::Quit,
            ("STARTTLS" | "DATA" | "RSET" | "QUIT", Some(_)) => {
                return Err("501 5.5.4 the command takes no argument");
            }
            ("EHLO" | "HELO" | "MAIL" | "RCPT" | "AUTH" | "VRFY", None) => {
                return Err("501 5.5.4 the command needs an argument");
            }
            ("EXPN" | "HELP" | "TURN" | "ETRN" | "BDAT", _) => {
                return Err("502 5.5.1 the command is not implemented");
            }
            _ => return Err("500 5.5.2 the command is unknown"),
        };
        Ok(command)
    }
}

impl Mail {
    fn parse(argument: &str) -> Result<Self, &'static str> {
        let (path, parameters) = path_after("FROM:", argument)?;
        let mut mail = Self { reverse_path: path.to_owned(), ..Self::default() };
        for parameter in parameters.split(' ').filter(|parameter| !parameter.is_empty()) {
            mail.extended = true;
            mail.parameter(&parameter.to_ascii_uppercase())?;
        }
        if !path.is_empty() && !is_mailbox(path) {
            return Err("501 5.1.7 the reverse-path is malformed");
        }
        Ok(mail)
    }

    fn parameter(&mut self, parameter: &str) -> Result<(), &'static str> {
        match parameter.split_once('=').unwrap_or((parameter, "")) {
            ("SIZE", size) => {
                self.size = Some(size.parse().map_err(|_| "501 5.5.4 SIZE needs a number")?);
            }
            ("BODY", "8BITMIME") => self.eight_bit = true,
            ("BODY", "7BIT") => {}
            ("SMTPUTF8", "") => self.utf8 = true,
            // RFC 4954 §5 lets a server ignore who submitted the message first.
            ("AUTH", mailbox) if !mailbox.is_empty() => {}
            _ => return Err("555 5.5.4 the parameter is not known"),
        }
        Ok(())
    }
}

fn named(command: Command, name: &str) -> Result<Command, &'static str> {
    let is_name =
        !name.is_empty() && name.len() <= 255 && name.chars().all(|c| c.is_ascii_graphic());
    if is_name { Ok(command) } else { Err("501 5.5.4 the name is malformed") }
}

fn rcpt(argument: &str) -> Result<Command, &'static str> {
    let (path, parameters) = path_after("TO:", argument)?;
    if !parameters.is_empty() {
        return Err("555 5.5.4 the parameter is not known");
    }
    if !is_mailbox(path) && !path.eq_ignore_ascii_case("postmaster") {
        return Err("501 5.1.3 the forward-path is malformed");
    }
    Ok(Command::Rcpt { forward_path: path.to_owned() })
}

fn auth(argument: &str) -> Result<Command, &'static str> {
    let (mechanism, initial) =
        argument.split_once(' ').map_or((argument, None), |(m, i)| (m, Some(i)));
    if initial.is_some_and(|initial| initial.is_empty() || initial.contains(' ')) {
        return Err("501 5.5.2 the initial response is malformed");
    }
    Ok(Command::Auth {
        mechanism: mechanism.to_ascii_uppercase(),
        initial: initial.map(str::to_owned),
    })
}

/// The path between the angle brackets after a keyword, and what follows it.
fn path_after<'a>(keyword: &str, argument: &'a str) -> Result<(&'a str, &'a str), &'static str> {
    const MALFORMED: &str = "501 5.5.4 the path needs angle brackets right after the colon";
    let rest = argument
        .get(keyword.len()..)
        .filter(|_| argument[..keyword.len()].eq_ignore_ascii_case(keyword));
    let path = rest.and_then(|rest| rest.strip_prefix('<')).ok_or(MALFORMED)?;
    let end = closing_bracket(path).ok_or(MALFORMED)?;
    let (path, rest) = (&path[..end], &path[end + 1..]);
    if path.len() + 2 > MAX_PATH {
        return Err("501 5.1.0 the path is too long");
    }
    match rest.strip_prefix(' ') {
        Some(parameters) => Ok((path, parameters)),
        None if rest.is_empty() => Ok((path, "")),
        None => Err(MALFORMED),
    }
}

/// Where the path ends: at the first bracket that is not within a quoted local part.
fn closing_bracket(path: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    path.bytes().position(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' => return !quoted,
            _ => {}
        }
        false
    })
}

/// Whether a text has the shape `local-part@domain`, with an atom or a quoted string on the left.
fn is_mailbox(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_quoted = local.len() >= 2 && local.starts_with('"') && local.ends_with('"');
    let is_atom = !local.is_empty() && local.chars().all(is_atom_or_dot);
    let is_literal = domain.starts_with('[') && domain.ends_with(']');
    let is_domain =
        !domain.is_empty() && domain.chars().all(|c| c.is_alphanumeric() || "-.".contains(c));
    (is_quoted || is_atom) && (is_literal || is_domain)
}

fn is_atom_or_dot(c: char) -> bool {
    c.is_alphanumeric() || !c.is_ascii() || "!#$%&'*+-/=?^_`{|}~.".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(reverse_path: &str) -> Mail {
        Mail { reverse_path: reverse_path.to_owned(), ..Mail::default() }
    }

    #[test]
    fn reads_paths_and_parameters() {
        let rows = [
            ("MAIL FROM:<>", mail("")),
            ("mail from:<a@b.example>", mail("a@b.example")),
            ("MAIL FROM:<\"a > b\"@b.example>", mail("\"a > b\"@b.example")),
            (
                "MAIL FROM:<a@[127.0.0.1]> SIZE=12",
                Mail { size: Some(12), extended: true, ..mail("a@[127.0.0.1]") },
            ),
            (
                "MAIL FROM:<ä@b.example> BODY=8BITMIME SMTPUTF8",
                Mail { eight_bit: true, utf8: true, extended: true, ..mail("ä@b.example") },
            ),
        ];
        for (line, expected) in rows {
            assert_eq!(Command::parse(line.as_bytes()), Ok(Command::Mail(expected)), "{line}");
        }
    }

    #[test]
    fn refuses_what_is_malformed() {
        let rows: [(&[u8], &str); 14] = [
            (b"MAIL", "501 5.5.4"),
            (b"MAIL FROM: <a@b>", "501 5.5.4"),
            (b"MAIL FROM:a@b", "501 5.5.4"),
            (b"MAIL FROM:<a@b>SIZE=1", "501 5.5.4"),
            (b"MAIL FROM:<a b@c>", "501 5.1.7"),
            (b"MAIL FROM:<a@b> SIZE=x", "501 5.5.4"),
            (b"MAIL FROM:<a@b> RET=FULL", "555 5.5.4"),
            (b"RCPT TO:<>", "501 5.1.3"),
            (b"RCPT TO:<a@b>,<c@d>", "501 5.5.4"),
            (b"RCPT TO:<a@b> NOTIFY=NEVER", "555 5.5.4"),
            (b"EHLO two words", "501 5.5.4"),
            (b"DATA now", "501 5.5.4"),
            (b"RCPT TO:<a\0@b>", "500 5.5.2"),
            (b"HELLO", "500 5.5.2"),
        ];
        for (line, expected) in rows {
            let reply = Command::parse(line).expect_err("the command is malformed");
            assert!(reply.starts_with(expected), "{}: {reply}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn never_panics_at_character_boundaries() {
        assert!(Command::parse("MAIL FROMé<a@b>".as_bytes()).is_err());
        assert!(Command::parse("RCPT T€<a@b>".as_bytes()).is_err());
    }
}
