//! The tables of docs/options.md, as far as the registry needs them: which rows there are, and
//! under which heading.

const TEXT: &str = include_str!("../../../docs/options.md");

/// The heading and the key of each row. The key is the first cell; in a table of results it is all
/// that they depend on.
pub(super) fn rows() -> Vec<(&'static str, String)> {
    let (mut heading, mut width, mut rows) = ("", 1, Vec::new());
    let mut lines = TEXT.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(text) = line.strip_prefix('#') {
            heading = text.trim_start_matches('#').trim();
        } else if let Some(cells) = cells(line) {
            if lines.next_if(|next| next.starts_with("|---")).is_some() {
                width = cells.iter().position(|cell| *cell == "result").unwrap_or(1);
            } else {
                let key: Vec<_> =
                    cells[..width].iter().filter(|cell| !cell.is_empty()).copied().collect();
                rows.push((heading, key.join(", ")));
            }
        }
    }
    rows
}

fn cells(line: &'static str) -> Option<Vec<&'static str>> {
    let inner = line.strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}
