//! From a row of a table to the value that it stands for.

/// Makes a type readable from a row: each field from the column of its name, and behind a semicolon
/// those that no column has.
///
/// sqlx derives the same. Its macros want both drivers built once more, for the compiler, AWS-LC
/// and SQLite included, which is a minute of the first build.
macro_rules! from_row {
    ($type:ident { $($field:ident),+ $(; $other:ident: $value:expr)? }) => {
        impl sqlx::FromRow<'_, sqlx::any::AnyRow> for $type {
            fn from_row(row: &sqlx::any::AnyRow) -> sqlx::Result<Self> {
                use sqlx::Row as _;
                Ok(Self {
                    $($field: row.try_get(stringify!($field))?,)+
                    $($other: $value,)?
                })
            }
        }
    };
}

pub(super) use from_row;
