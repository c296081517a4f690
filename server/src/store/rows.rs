//! Statements over many rows: each is a way to the database and back, whatever it carries.

use std::fmt::Write as _;

/// The most rows of one statement: of 14 values each they stay far below what an engine takes.
const MOST: usize = 64;

/// Cuts rows into pieces, one for each statement. A piece has a power of two of them, so that there
/// are few statements for the database to prepare.
pub(super) fn pieces<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let most = rows.len().min(MOST);
        let piece = rows.split_off(..1 << most.checked_ilog2()?)?;
        Some(piece)
    })
}

/// The places of so many rows of so many values each, counted from the first one: `($1, $2), ($3,
/// $4)`.
pub(super) fn rows(rows: usize, values: usize, first: usize) -> String {
    let mut text = String::new();
    for place in 0..rows * values {
        let mark = match place % values {
            0 if place == 0 => "(",
            0 => "), (",
            _ => ", ",
        };
        let _ = write!(text, "{mark}${}", first + place);
    }
    text.push(')');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_through_the_rows() {
        assert_eq!(rows(1, 1, 4), "($4)");
        assert_eq!(rows(2, 3, 1), "($1, $2, $3), ($4, $5, $6)");
    }

    #[test]
    fn the_pieces_are_few_and_have_each_row_once() {
        for count in 0..300 {
            let all: Vec<_> = (0..count).collect();
            let cut: Vec<_> = pieces(&all).collect();
            assert_eq!(cut.concat(), all);
            assert!(cut.iter().all(|piece| piece.len().is_power_of_two()), "{count}");
            assert!(cut.len() <= count / MOST + 6, "{count}: {}", cut.len());
        }
    }
}
