//! The pages of the repository: their links lead somewhere, and a reader who begins at README.md
//! comes by all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// What a page offers and where it leads.
struct Page {
    anchors: BTreeSet<String>,
    links: Vec<String>,
}

#[test]
fn links_lead_to_files_and_headings() {
    let pages = pages();
    let mut broken = Vec::new();
    for (path, page) in &pages {
        for link in &page.links {
            let (target, anchor) = resolved(path, link);
            let known = match (anchor, pages.get(&target)) {
                (None, _) => root().join(&target).exists(),
                (Some(anchor), Some(page)) => page.anchors.contains(anchor),
                (Some(_), None) => false,
            };
            if !known {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_page_is_reached_from_the_readme() {
    let pages = pages();
    let (mut reached, mut open) = (BTreeSet::new(), vec![PathBuf::from("README.md")]);
    while let Some(path) = open.pop() {
        let Some(page) = pages.get(&path) else { continue };
        if reached.insert(path.clone()) {
            open.extend(page.links.iter().map(|link| resolved(&path, link).0));
        }
    }
    let lost: Vec<_> = pages.keys().filter(|path| !reached.contains(*path)).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn the_page_on_replies_names_each_source() {
    let page = include_str!("../../docs/replies.md");
    let replies = include_str!("../../host/src/error/blame/replies.tsv");
    let rows = replies.lines().filter(|line| !line.starts_with('#'));
    let sources: BTreeSet<_> = rows.filter_map(|row| row.split('\t').nth(2)).collect();
    let unknown: Vec<_> =
        sources.iter().filter(|source| !page.contains(&format!("`{source}`"))).collect();
    assert!(!sources.is_empty() && unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_page_on_errors_has_every_kind_and_stage() {
    let page = include_str!("../../docs/errors.md");
    let source = include_str!("../../host/src/error.rs");
    // The command line knows one kind more than the library.
    for (heading, name, beyond) in
        [("Kinds", "ErrorKind", Some("usage")), ("Stages", "Stage", None)]
    {
        let (_, rest) = page.split_once(&format!("\n## {heading}\n")).expect("the page has it");
        let section = rest.split("\n## ").next().unwrap_or_default();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let (_, rest) = source.split_once(&format!("pub enum {name} {{\n")).expect("it is there");
        let variants = rest.split("\n}").next().unwrap_or_default();
        let variants = variants.lines().filter_map(|line| line.trim().strip_suffix(','));
        let variants = variants.filter(|line| line.chars().all(char::is_alphanumeric));
        let known = variants.map(str::to_lowercase).chain(beyond.map(str::to_owned));
        assert_eq!(rows.map(str::to_owned).collect::<Vec<_>>(), known.collect::<Vec<_>>());
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All pages, by their path from the root.
fn pages() -> BTreeMap<PathBuf, Page> {
    let (mut pages, mut folders) = (BTreeMap::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("the folder can be read") {
            let entry = entry.expect("the folder can be read");
            let name = entry.file_name().into_string().expect("names are UTF-8");
            let path = folder.join(&name);
            if entry.file_type().expect("the type is known").is_dir() {
                if !name.starts_with('.') && !["target", "node_modules"].contains(&&*name) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(entry.path()).expect("the page can be read");
                pages.insert(path, Page::parse(&text));
            }
        }
    }
    pages
}

impl Page {
    fn parse(text: &str) -> Self {
        let (mut anchors, mut links) = (BTreeSet::new(), Vec::new());
        let mut heading = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let anchor = anchor(&heading.take().unwrap_or_default());
                    assert!(anchors.insert(anchor.clone()), "two headings are #{anchor}");
                }
                Event::Text(words) | Event::Code(words) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&words);
                    }
                }
                Event::Start(Tag::Link { dest_url, .. }) if !dest_url.contains("://") => {
                    links.push(dest_url.into_string());
                }
                _ => {}
            }
        }
        Self { anchors, links }
    }
}

/// The anchor that hosts of repositories give to a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// The path from the root that a link on a page means, and the heading there.
fn resolved<'a>(page: &Path, link: &'a str) -> (PathBuf, Option<&'a str>) {
    let (file, anchor) = link.split_once('#').map_or((link, None), |(f, a)| (f, Some(a)));
    if file.is_empty() {
        return (page.to_owned(), anchor);
    }
    let mut target = page.parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(file).components() {
        match part {
            Component::ParentDir => assert!(target.pop(), "{link} leaves the repository"),
            part => target.push(part),
        }
    }
    (target, anchor)
}
