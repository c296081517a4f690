//! Message content as it travels (RFC 5321 §4.5.2): every line ends with CRLF, no line but the last
//! is a lone dot. A bare CR or LF never leaves, so no server can see an end of the message where
//! there is none.

/// Appends the content with its line ends made CRLF and leading dots doubled, closed by the line
/// with the lone dot.
pub(crate) fn encode(content: &str, wire: &mut String) {
    wire.reserve(content.len() + content.len() / 64 + 8);
    let mut rest = content;
    while !rest.is_empty() {
        let end = rest.bytes().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        if line.starts_with('.') {
            wire.push('.');
        }
        wire.push_str(line);
        wire.push_str("\r\n");
        let line_end = if tail.starts_with("\r\n") { 2 } else { 1 };
        rest = tail.get(line_end..).unwrap_or_default();
    }
    wire.push_str(".\r\n");
}

#[cfg(test)]
mod tests {
    fn encoded(content: &str) -> String {
        let mut wire = String::new();
        super::encode(content, &mut wire);
        wire
    }

    #[test]
    fn lines_are_ended_and_dots_doubled() {
        let cases = [
            ("", ".\r\n"),
            ("a", "a\r\n.\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            ("a\r\n\r\n", "a\r\n\r\n.\r\n"),
            (".\r\n", "..\r\n.\r\n"),
            ("..a\r\n.b", "...a\r\n..b\r\n.\r\n"),
            ("a\n.\nMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"),
            ("a\r.\rMAIL", "a\r\n..\r\nMAIL\r\n.\r\n"),
            ("a\r\n.\rb", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n"),
            ("a\r\r\n.b", "a\r\n\r\n..b\r\n.\r\n"),
            ("a.\r\nb.", "a.\r\nb.\r\n.\r\n"),
        ];
        for (content, wire) in cases {
            assert_eq!(encoded(content), wire, "{content:?}");
        }
    }

    #[test]
    fn no_sequence_of_line_ends_and_dots_escapes() {
        // Every text of eight characters over these four.
        for number in 0..4_u32.pow(8) {
            let digit =
                |place: u32| ['\r', '\n', '.', 'x'][(number / 4_u32.pow(place) % 4) as usize];
            let wire = encoded(&(0..8).map(digit).collect::<String>());
            let text = wire.strip_suffix(".\r\n").expect("the end of the message");
            for line in text.split_inclusive('\n') {
                let line = line.strip_suffix("\r\n").expect("a complete line");
                assert!(!line.contains('\r') && line != ".", "{wire:?}");
            }
        }
    }
}
