//! The Rust files of the workspace: where each is, and what its code refers to.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// The root of the workspace.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A member of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    folder: String,
    pub(crate) sources: Vec<Source>,
}

/// A file of Rust.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its name below the root.
    pub(crate) file: String,
    pub(crate) text: String,
    /// Whether the modules in a folder are its own.
    pub(crate) is_head_of_folder: bool,
    pub(crate) references: Vec<Reference>,
    /// The folder and the name, without the endings that make a file a module.
    place: String,
}

/// A path in the code.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) path: Vec<String>,
    file: String,
    /// The place of the module that it leads to, where that is in the same crate.
    target: Option<String>,
}

impl Package {
    /// All members, read once.
    pub(crate) fn all() -> &'static [Self] {
        static ALL: OnceLock<Vec<Package>> = OnceLock::new();
        ALL.get_or_init(|| {
            let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml"));
            let manifest = manifest.expect("the workspace has a manifest");
            let (_, rest) = manifest.split_once("\nmembers = [").expect("it lists its members");
            let (members, _) = rest.split_once(']').expect("the list ends");
            let names = members.split(',').map(|name| name.trim().trim_matches('"'));
            names.filter(|name| !name.is_empty()).map(Self::read).collect()
        })
    }

    /// The member that a folder belongs to.
    pub(crate) fn of(folder: &str) -> &'static Self {
        let found = Self::all().iter().find(|package| is_below(folder, &package.folder));
        found.unwrap_or_else(|| panic!("{folder} is in no member of the workspace"))
    }

    /// Whether nobody gets this package but who works on it.
    pub(crate) fn is_for_development(&self) -> bool {
        ["benches", "examples", "fuzz", "tests"].contains(&self.folder.as_str())
    }

    pub(crate) fn references(&self) -> impl Iterator<Item = &Reference> {
        self.sources.iter().flat_map(|source| &source.references)
    }

    /// What its sources include from outside its folder, which a published package lacks.
    pub(crate) fn included_from_outside(&self) -> Vec<String> {
        let mut found = Vec::new();
        for source in &self.sources {
            let depth = source.file[self.folder.len() + 1..].matches('/').count();
            let readers =
                [("include_str!(\"", depth), ("include_bytes!(\"", depth), ("path: \"", 0)];
            for (reader, depth) in readers {
                let paths =
                    source.text.split(reader).skip(1).filter_map(|rest| rest.split('"').next());
                let outside = paths.filter(|path| {
                    path.split('/').take_while(|part| *part == "..").count() > depth
                });
                found.extend(outside.map(|path| format!("{}: {path}", source.file)));
            }
        }
        found
    }

    fn read(folder: &str) -> Self {
        let mut files = Vec::new();
        list(folder, &mut files);
        assert!(!files.is_empty(), "{folder} has no source");
        let places: BTreeSet<_> = files.iter().map(|file| place(file)).collect();
        let sources = files.iter().map(|file| Source::read(file, &places)).collect();
        Self { folder: folder.to_owned(), sources }
    }
}

impl Source {
    /// The first paragraph of its documentation.
    pub(crate) fn head(&self) -> String {
        let lines = self.text.lines().map_while(|line| line.strip_prefix("//!"));
        let paragraph: Vec<_> = lines.map(str::trim).take_while(|line| !line.is_empty()).collect();
        paragraph.join(" ")
    }

    /// The room of a folder that it belongs to.
    pub(crate) fn room(&self, folder: &str) -> Option<&str> {
        room(&self.place, folder)
    }

    /// Whether it is the module at this place, or below it.
    pub(crate) fn is_in(&self, place: &str) -> bool {
        is_below(&self.place, place)
    }

    fn read(file: &str, places: &BTreeSet<String>) -> Self {
        let text = fs::read_to_string(Path::new(ROOT).join(file)).expect("a source is text");
        let place = place(file);
        let is_head_of_folder = places.iter().any(|other| room(other, &place).is_some());
        let references = if is_test(&place) { Vec::new() } else { paths(&text) };
        let references = references.into_iter().map(|path| Reference {
            target: target(&place, &path, places),
            file: file.to_owned(),
            path,
        });
        let references = references.collect();
        Self { file: file.to_owned(), text, is_head_of_folder, references, place }
    }
}

impl Reference {
    /// The room of a folder that it leads to.
    pub(crate) fn room(&self, folder: &str) -> Option<&str> {
        room(self.target.as_ref()?, folder)
    }

    /// Whether it may lead to another crate.
    pub(crate) fn is_external(&self) -> bool {
        self.target.is_none()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.path.join("::"))
    }
}

/// Whether a folder has a room of this name.
pub(crate) fn is_room(folder: &str, name: &str) -> bool {
    Package::of(folder).sources.iter().any(|source| source.room(folder) == Some(name))
}

/// Lists the files below a folder, but for what was built or installed there.
fn list(folder: &str, files: &mut Vec<String>) {
    let entries = fs::read_dir(Path::new(ROOT).join(folder)).expect("the folder can be read");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("it has entries").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    for name in names {
        let path = format!("{folder}/{name}");
        if Path::new(ROOT).join(&path).is_dir() {
            if !["target", "node_modules"].contains(&name.as_str()) {
                list(&path, files);
            }
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
}

/// The place of a file's module: `host/src/config/mask`, and of a crate's root its folder.
fn place(file: &str) -> String {
    let place = file.trim_end_matches(".rs");
    ["/lib", "/main"].iter().find_map(|root| place.strip_suffix(root)).unwrap_or(place).to_owned()
}

fn is_test(place: &str) -> bool {
    place.ends_with("/tests") || place.contains("/tests/")
}

fn is_below(place: &str, folder: &str) -> bool {
    place == folder || room(place, folder).is_some()
}

/// The room of a folder in which a place is.
fn room<'a>(place: &'a str, folder: &str) -> Option<&'a str> {
    place.strip_prefix(folder)?.strip_prefix('/')?.split('/').next()
}

/// The module to which a path in the module at `place` leads.
fn target(place: &str, path: &[String], places: &BTreeSet<String>) -> Option<String> {
    let root_length = place.find("/src").map_or(place.len(), |start| start + "/src".len());
    let root = &place[..root_length];
    let mut module = match path[0].as_str() {
        "crate" => root.to_owned(),
        "self" => place.to_owned(),
        "super" => place.rsplit_once('/')?.0.to_owned(),
        first if places.contains(&format!("{place}/{first}")) => format!("{place}/{first}"),
        _ => return None,
    };
    for segment in &path[1..] {
        let next = match segment.as_str() {
            "super" => module.rsplit_once('/')?.0.to_owned(),
            segment => format!("{module}/{segment}"),
        };
        if !places.contains(&next) && next != root {
            break;
        }
        module = next;
    }
    Some(module)
}

/// The paths of more than one segment in a file's code, each `use` unfolded, without its tests.
fn paths(text: &str) -> Vec<Vec<String>> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    let mut statements = code.split(';').peekable();
    for statement in statements.by_ref() {
        let begin = statement.rfind("use ").filter(|&begin| {
            let before = statement[..begin].lines().last().unwrap_or_default().trim();
            before.is_empty() || before.starts_with("pub")
        });
        let (rest, tree) = statement.split_at(begin.unwrap_or(statement.len()));
        inline(rest, &mut found);
        if let Some(tree) = tree.strip_prefix("use ") {
            unfold(tree, &[], &mut found);
        }
    }
    found
}

/// Finds the paths in code that is no `use`.
fn inline(code: &str, found: &mut Vec<Vec<String>>) {
    for word in code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        let segments: Vec<_> = word.split("::").map(str::to_owned).collect();
        let is_path = segments.len() > 1 && segments[0].starts_with(|c: char| c.is_lowercase());
        if is_path && segments.iter().all(|segment| !segment.contains(':')) {
            found.push(segments);
        }
    }
}

/// Unfolds the tree of a `use`: `a::{b, c::{d}}` is `a::b` and `a::c::d`.
fn unfold(tree: &str, prefix: &[String], found: &mut Vec<Vec<String>>) {
    let (path, group) = match tree.split_once('{') {
        Some((path, group)) => (path, group.rsplit_once('}').map(|(group, _)| group)),
        None => (tree, None),
    };
    let path = path.split_once(" as ").map_or(path, |(path, _)| path);
    let segments = path.split("::").map(str::trim).filter(|segment| !segment.is_empty());
    let all: Vec<_> = prefix.iter().cloned().chain(segments.map(str::to_owned)).collect();
    let Some(group) = group else {
        return found.push(all);
    };
    let (mut depth, mut begin) = (0_usize, 0);
    for (index, character) in group.char_indices().chain([(group.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let member = group[begin..index].trim();
                if !member.is_empty() {
                    unfold(member, &all, found);
                }
                begin = index + 1;
            }
            _ => {}
        }
    }
}

#[test]
fn every_way_to_name_a_path_is_read() {
    let text = "\
        use crate::a::{b, c::{D, e as f}};\n\
        pub(crate) use super::g;\n\
        // use crate::comment;\n\
        fn h() { crate::i::j(super::super::k::L); m::n() }\n\
        #[cfg(test)]\nmod tests { use crate::o; }\n";
    let found: Vec<_> = paths(text).iter().map(|path| path.join("::")).collect();
    let expected = [
        "crate::a::b",
        "crate::a::c::D",
        "crate::a::c::e",
        "super::g",
        "crate::i::j",
        "super::super::k::L",
        "m::n",
    ];
    assert_eq!(found, expected);
}

#[test]
fn paths_lead_to_modules() {
    let places = ["x/src", "x/src/a", "x/src/a/b", "x/src/a/b/c", "x/src/d"];
    let places = places.map(str::to_owned).into_iter().collect();
    for (place, path, expected) in [
        ("x/src/a/b", "crate::d::Item", Some("x/src/d")),
        ("x/src/a/b", "crate::Item", Some("x/src")),
        ("x/src/a/b", "super::Item", Some("x/src/a")),
        ("x/src/a/b", "super::super::d", Some("x/src/d")),
        ("x/src/a/b", "c::Item", Some("x/src/a/b/c")),
        ("x/src/a", "self::b::Item", Some("x/src/a/b")),
        ("x/src/a", "other::b::Item", None),
    ] {
        let path: Vec<_> = path.split("::").map(str::to_owned).collect();
        assert_eq!(target(place, &path, &places).as_deref(), expected, "{path:?}");
    }
}
