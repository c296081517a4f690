//! Lines of a file or a pipe, numbered and bounded, one at a time.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// The longest line that is read: a payload of 8 MiB, and 4 MiB for all that stands beside it.
pub(super) const LONGEST: usize = 12 << 20;

/// A buffer that has grown beyond this is not kept for the next line.
const KEPT: usize = 64 << 10;

/// Reads line by line.
pub(super) struct Lines<R> {
    source: R,
    number: u64,
    offset: u64,
    buffer: Vec<u8>,
}

/// A line, without its end and without white space around it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Counted from one, blank lines included.
    pub(super) number: u64,
    /// Where the line begins in the source.
    pub(super) offset: u64,
    /// What it holds; of an overlong line the beginning.
    pub(super) content: &'a [u8],
    /// How many bytes it has, its end included.
    pub(super) length: u64,
    /// Whether a line feed ends it.
    pub(super) ended: bool,
}

impl Line<'_> {
    /// Whether the line is longer than what is read of it.
    pub(super) fn is_overlong(&self) -> bool {
        self.length > LONGEST as u64
    }
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, number: 0, offset: 0, buffer: Vec::new() }
    }

    /// The next line that is not blank. After a dropped call no further one must be made.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            let offset = self.offset;
            self.buffer.clear();
            self.buffer.shrink_to(KEPT);
            let mut bounded = (&mut self.source).take(LONGEST as u64);
            let read = bounded.read_until(b'\n', &mut self.buffer).await?;
            if read == 0 {
                return Ok(None);
            }
            let mut length = read as u64;
            let mut ended = self.buffer.ends_with(b"\n");
            if !ended {
                let (skipped, found) = self.skip().await?;
                (length, ended) = (length + skipped, found);
            }
            self.offset += length;
            self.number += 1;
            if !self.buffer.trim_ascii().is_empty() || length > LONGEST as u64 {
                let content = self.buffer.trim_ascii();
                return Ok(Some(Line { number: self.number, offset, content, length, ended }));
            }
        }
    }

    /// Leaves out the rest of a line; how long it was, and whether a line feed ended it.
    async fn skip(&mut self) -> io::Result<(u64, bool)> {
        let mut skipped = 0;
        loop {
            let available = self.source.fill_buf().await?;
            if available.is_empty() {
                return Ok((skipped, false));
            }
            let end = available.iter().position(|&byte| byte == b'\n');
            let used = end.map_or(available.len(), |at| at + 1);
            self.source.consume(used);
            skipped += used as u64;
            if end.is_some() {
                return Ok((skipped, true));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn blank_lines_are_skipped_and_counted() {
        let mut lines = Lines::new(&b"\n one \r\n\t\r\ntwo"[..]);
        let line = lines.next().await.expect("it can be read").expect("a line");
        let expected = Line { number: 2, offset: 1, content: b"one", length: 7, ended: true };
        assert_eq!((&line, line.is_overlong()), (&expected, false));
        let line = lines.next().await.expect("it can be read").expect("a line");
        assert_eq!(line, Line { number: 4, offset: 11, content: b"two", length: 3, ended: false });
        assert_eq!(lines.next().await.expect("it can be read"), None);
    }

    #[tokio::test]
    async fn an_overlong_line_is_left_out_and_the_next_one_whole() {
        let text = [vec![b'x'; LONGEST + 1], b"\nnext\n".to_vec()].concat();
        let mut lines = Lines::new(&text[..]);
        let line = lines.next().await.expect("it can be read").expect("a line");
        assert_eq!((line.is_overlong(), line.length, line.ended), (true, LONGEST as u64 + 2, true));
        let line = lines.next().await.expect("it can be read").expect("a line");
        assert_eq!((line.number, line.content, line.is_overlong()), (2, &b"next"[..], false));
    }

    #[tokio::test]
    async fn a_line_may_be_as_long_as_the_bound() {
        let text = [vec![b'x'; LONGEST - 1], b"\n".to_vec()].concat();
        let mut lines = Lines::new(&text[..]);
        let line = lines.next().await.expect("it can be read").expect("a line");
        assert_eq!(
            (line.is_overlong(), line.content.len(), line.ended),
            (false, LONGEST - 1, true)
        );
    }
}
