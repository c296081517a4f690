//! The source keeps the structure that ARCHITECTURE.md draws.
//!
//! The tables here are the drawing; the tests hold every `use` and every path of the source against
//! them.

pub(crate) mod source;

use std::collections::{BTreeMap, BTreeSet};

use source::{Package, Reference};

/// For a folder, its rooms from the top to the bottom. A room knows those below its own row, and
/// nothing beside it; a room that is not named here is below all rows.
const ROWS: &[(&str, &[&[&str]])] = &[
    (
        "host/src",
        &[
            &["examination"],
            &["load"],
            &["connector"],
            &["mailer"],
            &["rendered"],
            &["sandbox", "submission"],
        ],
    ),
    (
        "host/src/submission",
        &[
            &["transport"],
            &["pool"],
            &["advice"],
            &["session"],
            &["network"],
            &["record"],
            &["message"],
        ],
    ),
    (
        "server/src",
        &[
            &["run"],
            &["http"],
            &["queue", "webhooks"],
            &["connectors"],
            &["store"],
            &["settings"],
            &["limits", "seal"],
        ],
    ),
];

/// Crates that one place alone may name, lest the rest of the program depend on them.
const NAMED_ONLY: &[(&str, &str)] = &[
    ("axum", "server"),
    ("hyper", "host/src/submission"),
    ("hyper", "server/src/http"),
    ("hyper", "server/src/outbound"),
    ("lettre", "host/src/submission"),
    ("napi", "node/src"),
    ("sqlx", "server/src/store"),
    ("tokio_socks", "host/src/submission"),
    ("wasmtime", "host/src/sandbox"),
    ("wasmtime_wasi", "host/src/sandbox"),
];

/// Folders whose rooms form no cycle.
const ACYCLIC: &[&str] = &["guest/src/config"];

/// Lines of a file, and columns of a line, beyond which nobody reads on.
const MOST_LINES: usize = 500;
const MOST_COLUMNS: usize = 100;
const MOST_WORD: usize = 60;

#[test]
fn rooms_know_only_those_below_them() {
    let mut found = Vec::new();
    for (folder, rows) in ROWS {
        let row_of = |room: &str| rows.iter().position(|row| row.contains(&room));
        for row in rows.iter().copied().flatten() {
            assert!(source::is_room(folder, row), "{folder} has no room {row}");
        }
        for (from, to, reference) in between_rooms(folder) {
            let lowest = rows.len();
            let (from_row, to_row) = (row_of(&from), row_of(&to));
            if to_row.is_some_and(|to_row| from_row.unwrap_or(lowest) >= to_row) {
                found.push(format!("{reference}: {from} is not above {to}"));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn rooms_form_no_cycle() {
    for folder in ACYCLIC.iter().copied().chain(ROWS.iter().map(|(folder, _)| *folder)) {
        let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to, _) in between_rooms(folder) {
            known.entry(from).or_default().insert(to);
        }
        // What knows no room that is left is in no cycle.
        while let Some(last) = known
            .iter()
            .find(|(_, targets)| targets.iter().all(|target| !known.contains_key(target)))
            .map(|(room, _)| room.clone())
        {
            known.remove(&last);
        }
        assert!(known.is_empty(), "{folder}: a cycle is among {known:#?}");
    }
}

#[test]
fn what_one_place_needs_no_other_names() {
    let mut found = Vec::new();
    let mut used = BTreeSet::new();
    for package in Package::all().iter().filter(|package| !package.is_for_development()) {
        for source in &package.sources {
            for reference in source.references.iter().filter(|reference| reference.is_external()) {
                let named = NAMED_ONLY.iter().filter(|(name, _)| reference.path[0] == *name);
                let places: Vec<_> = named.map(|(_, place)| *place).collect();
                if places.is_empty() {
                    continue;
                }
                let here = places.iter().find(|place| source.is_in(place));
                match here {
                    Some(place) => drop(used.insert((reference.path[0].clone(), *place))),
                    None => found.push(format!("{reference}: only {places:?} may name it")),
                }
            }
        }
    }
    assert_eq!(used.len(), NAMED_ONLY.len(), "a crate that nobody names needs no rule: {used:?}");
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn nothing_but_tests_and_the_component_knows_the_guest() {
    for package in Package::all().iter().filter(|package| !package.is_for_development()) {
        let of_guest = |reference: &&Reference| reference.path[0] == "smtp_connector_guest";
        let reference = package.references().find(of_guest);
        assert!(reference.is_none(), "{}", reference.expect("one was found"));
    }
}

#[test]
fn a_published_package_holds_all_that_it_includes() {
    let published = Package::all().iter().filter(|package| !package.is_for_development());
    let found: Vec<_> = published.flat_map(Package::included_from_outside).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_folder_has_a_purpose_that_one_sentence_says() {
    let mut found = Vec::new();
    for source in Package::all().iter().flat_map(|package| &package.sources) {
        let head = source.head();
        if head.is_empty() {
            found.push(format!("{}: no head", source.file));
        } else if source.is_head_of_folder && (!head.ends_with('.') || head.contains(". ")) {
            found.push(format!("{}: not one sentence: {head}", source.file));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn files_and_lines_are_short() {
    let mut found = Vec::new();
    let sources = Package::all().iter().flat_map(|package| &package.sources);
    for source in sources {
        let count = source.text.lines().count();
        if count > MOST_LINES {
            found.push(format!("{}: {count} lines", source.file));
        }
        for (index, line) in source.text.lines().enumerate() {
            // What has no blank cannot be broken.
            let breaks = line.split_whitespace().all(|word| word.chars().count() < MOST_WORD);
            if breaks && line.chars().count() > MOST_COLUMNS {
                found.push(format!("{}:{}", source.file, index + 1));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// The references from one room of a folder to another, with the names of both.
fn between_rooms(folder: &str) -> Vec<(String, String, &'static Reference)> {
    let mut found = Vec::new();
    for source in Package::of(folder).sources.iter() {
        let Some(from) = source.room(folder) else { continue };
        for reference in &source.references {
            if let Some(to) = reference.room(folder)
                && to != from
            {
                found.push((from.to_owned(), to.to_owned(), reference));
            }
        }
    }
    assert!(found.len() > 3, "{folder} is not read: {found:?}");
    found
}
