//! The relaxed form of header fields and bodies, in which relays may fold and unfold, and add and
//! take blanks without breaking a signature (RFC 6376 §3.4.2 and §3.4.4).

/// A message in its two halves.
pub(super) struct Mail<'a> {
    pub(super) header: &'a [u8],
    pub(super) body: &'a [u8],
}

impl<'a> Mail<'a> {
    /// Divides a message at its first blank line.
    pub(super) fn read(message: &'a [u8]) -> Self {
        const END: &[u8] = b"\r\n\r\n";
        let end =
            message.windows(END.len()).position(|octets| octets == END).unwrap_or(message.len());
        Self { header: &message[..end], body: message.get(end + END.len()..).unwrap_or_default() }
    }

    /// The header fields in order, each with its folds.
    pub(super) fn fields(&self) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = self.header;
        std::iter::from_fn(move || {
            let end = (1..rest.len()).find(|&at| rest[at - 1] == b'\n' && !is_blank(rest[at]));
            let (field, tail) = rest.split_at(end.unwrap_or(rest.len()));
            rest = tail;
            (!field.is_empty()).then_some(field)
        })
    }
}

/// The name of a field in lower case.
pub(super) fn name(field: &[u8]) -> Vec<u8> {
    let name = field.split(|&byte| byte == b':').next().unwrap_or_default();
    name.trim_ascii_end().to_ascii_lowercase()
}

/// Writes a field without its line end: the name, and the words of the value with one blank between
/// them.
pub(super) fn field(name: &[u8], field: &[u8], into: &mut Vec<u8>) {
    into.extend(name);
    into.push(b':');
    let value =
        field.iter().position(|&byte| byte == b':').map_or(&[][..], |colon| &field[colon + 1..]);
    let words = value.split(|&byte| is_blank(byte) || matches!(byte, b'\r' | b'\n'));
    for (index, word) in words.filter(|word| !word.is_empty()).enumerate() {
        if index > 0 {
            into.push(b' ');
        }
        into.extend(word);
    }
}

/// Gives a body piece by piece: its lines without blanks at their end and with single ones
/// elsewhere, but not the blank lines that end it.
pub(super) fn body(body: &[u8], mut sink: impl FnMut(&[u8])) {
    let mut blank_lines = 0;
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        let line = without_end(line);
        if line.is_empty() {
            blank_lines += 1;
            continue;
        }
        for _ in 0..std::mem::take(&mut blank_lines) {
            sink(b"\r\n");
        }
        let mut rest = line;
        while let Some(at) =
            rest.windows(2).position(|pair| pair[0] == b'\t' || pair == b"  " || pair == b" \t")
        {
            sink(&rest[..at]);
            sink(b" ");
            let blanks = rest[at..].iter().take_while(|&&byte| is_blank(byte)).count();
            rest = &rest[at + blanks..];
        }
        sink(rest);
        sink(b"\r\n");
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line =
        line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
    let end = line.iter().rposition(|&byte| !is_blank(byte)).map_or(0, |last| last + 1);
    &line[..end]
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
