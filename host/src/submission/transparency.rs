//! Message content as it travels (RFC 5321 §4.5.2): every line ends with CRLF, no line but the last is a lone
//! dot. A bare CR or LF never leaves, so no server can see an end of the message where there is none.

/// The content with its line ends made CRLF and leading dots doubled, closed by the line with the lone dot.
pub(super) fn encode(content: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(content.len() + content.len() / 64 + 8);
    let mut rest = content;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        if line.first() == Some(&b'.') {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
        wire.extend_from_slice(b"\r\n");
        rest = match tail {
            [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
            [] => tail,
        };
    }
    wire.extend_from_slice(b".\r\n");
    wire
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_ended_and_dots_doubled() {
        let cases: [(&[u8], &[u8]); 12] = [
            (b"", b".\r\n"),
            (b"a", b"a\r\n.\r\n"),
            (b"a\r\n", b"a\r\n.\r\n"),
            (b"a\r\n\r\n", b"a\r\n\r\n.\r\n"),
            (b".\r\n", b"..\r\n.\r\n"),
            (b"..a\r\n.b", b"...a\r\n..b\r\n.\r\n"),
            (b"a\n.\nMAIL", b"a\r\n..\r\nMAIL\r\n.\r\n"),
            (b"a\r.\rMAIL", b"a\r\n..\r\nMAIL\r\n.\r\n"),
            (b"a\r\n.\rb", b"a\r\n..\r\nb\r\n.\r\n"),
            (b"a\n.\r\nb", b"a\r\n..\r\nb\r\n.\r\n"),
            (b"a\r\r\n.b", b"a\r\n\r\n..b\r\n.\r\n"),
            (b"a.\r\nb.", b"a.\r\nb.\r\n.\r\n"),
        ];
        for (content, wire) in cases {
            let shown = String::from_utf8_lossy(content);
            assert_eq!(
                encode(content).escape_ascii().to_string(),
                wire.escape_ascii().to_string(),
                "{shown:?}"
            );
        }
    }

    #[test]
    fn no_sequence_of_line_ends_and_dots_escapes() {
        // Every text of eight characters over these four.
        for number in 0..4_u32.pow(8) {
            let digit = |place: u32| b"\r\n.x"[(number / 4_u32.pow(place) % 4) as usize];
            let wire = encode(&(0..8).map(digit).collect::<Vec<_>>());
            let text = wire.strip_suffix(b".\r\n").expect("the end of the message");
            let lines: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').collect();
            for line in lines {
                let line = line.strip_suffix(b"\r\n").expect("a complete line");
                assert!(!line.contains(&b'\r') && line != b".", "{}", wire.escape_ascii());
            }
        }
    }
}
