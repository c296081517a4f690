//! What platforms call their mails, what we call them, and how long they are of use.

use std::time::Duration;

/// For a dialect, each name of the platform's with our usage type and how long the mail is of use.
pub(super) type Table = [(&'static str, &'static str, Duration)];

/// A code. Most platforms let one live for ten minutes; somebody waits for it.
pub(super) const CODE: Duration = Duration::from_secs(10 * 60);

/// A link or a notice that nobody waits for at the screen.
pub(super) const NOTICE: Duration = Duration::from_secs(60 * 60);

/// An invitation, which somebody finds in the morning.
pub(super) const INVITATION: Duration = Duration::from_secs(24 * 60 * 60);

/// What a mail is for.
pub(super) struct Usage {
    /// The platform's name, then ours.
    pub(super) types: Vec<String>,
    /// How long it is of use.
    pub(super) life: Duration,
}

impl Usage {
    /// The usage of a platform's name. One that the table does not have is taken for a code's,
    /// which must not come late.
    pub(super) fn of(name: &str, table: &Table) -> Self {
        let row = table.iter().find(|(own, _, _)| *own == name);
        let mut types = vec![name.to_owned()];
        types.extend(row.map(|(_, usage_type, _)| (*usage_type).to_owned()));
        types.dedup();
        Self { types, life: row.map_or(CODE, |(_, _, life)| *life) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_before_what_we_call_it() {
        let table: &Table = &[("signup", "Register", NOTICE), ("SignIn", "SignIn", CODE)];
        for (name, types, life) in [
            ("signup", &["signup", "Register"][..], NOTICE),
            ("SignIn", &["SignIn"], CODE),
            ("new", &["new"], CODE),
        ] {
            let usage = Usage::of(name, table);
            assert_eq!(usage.types, types);
            assert_eq!(usage.life, life);
        }
    }
}
