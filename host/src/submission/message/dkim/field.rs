//! The `DKIM-Signature` field as lines: tags (RFC 6376 §3.2), folded where a tag may be.

/// The longest line that folding aims at, in octets; nodemailer's.
const LINE: usize = 76;

/// A field in the making.
pub(super) struct Field {
    text: String,
    /// The length of the last line.
    column: usize,
}

impl Field {
    pub(super) fn new() -> Self {
        const NAME: &str = "DKIM-Signature:";
        Self { text: NAME.to_owned(), column: NAME.len() }
    }

    /// Writes whole tags.
    pub(super) fn tags(&mut self, tags: &[&str]) {
        for tag in tags {
            if self.column + " ;".len() + tag.len() > LINE {
                self.fold();
            }
            self.push(&format!(" {tag};"));
        }
    }

    /// Writes the tag `h=` on lines of its own, which may end after each colon.
    pub(super) fn names<S: AsRef<str>>(&mut self, names: &[S]) {
        self.fold();
        self.push(" h=");
        for (index, name) in names.iter().enumerate() {
            let name = name.as_ref();
            // The last is followed by a semicolon.
            if index > 0 && self.column + name.len() + 1 > LINE {
                self.fold();
                self.push(" ");
            }
            self.push(name);
            self.push(if index + 1 < names.len() { ":" } else { ";" });
        }
        self.fold();
        self.push(" b=");
    }

    /// The field as it is signed: with an empty signature.
    pub(super) fn unsigned(&self) -> &str {
        &self.text
    }

    /// The whole field with its signature, which is folded anywhere.
    pub(super) fn signed(mut self, signature: &str) -> String {
        let mut rest = signature;
        while rest.len() > LINE - self.column {
            let (line, tail) = rest.split_at(LINE - self.column);
            self.text.extend([line, "\r\n "]);
            (rest, self.column) = (tail, 1);
        }
        self.text.extend([rest, "\r\n"]);
        self.text
    }

    fn fold(&mut self) {
        self.text.push_str("\r\n");
        self.column = 0;
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.len();
    }
}
