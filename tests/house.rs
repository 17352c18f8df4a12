//! Who may know whom: the arrows between the modules, as `ARCHITECTURE.md` draws them. And whether
//! the tests are there that `SECURITY.md` names.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the sources fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Each module of the library and those that it may use, in the order of `src/lib.rs`.
const MAY_USE: &[(&str, &[&str])] = &[
    ("clean", &[]),
    ("reason", &[]),
    ("value", &[]),
    ("words", &[]),
    ("run", &[]),
    ("secret", &["value"]),
    ("environment", &[]),
    ("diagnostic", &["clean", "secret", "words"]),
    ("yaml", &["diagnostic", "value"]),
    ("trigger", &["diagnostic"]),
    ("job", &["diagnostic", "trigger", "value"]),
    (
        "config",
        &[
            "clean",
            "diagnostic",
            "job",
            "run",
            "secret",
            "trigger",
            "value",
            "yaml",
        ],
    ),
    (
        "logging",
        &["clean", "reason", "run", "secret", "trigger", "words"],
    ),
    ("paths", &["config", "trigger"]),
    ("process", &["reach", "run"]),
    ("reach", &[]),
    ("source", &["reason", "yaml"]),
    (
        "store",
        &[
            "job", "reason", "run", "secret", "trigger", "value", "words",
        ],
    ),
    ("trust", &["clean"]),
    ("watcher", &["reason", "source"]),
    (
        "task",
        &[
            "config",
            "diagnostic",
            "environment",
            "job",
            "process",
            "reach",
            "reason",
            "run",
            "value",
        ],
    ),
    (
        "alert",
        &[
            "clean", "config", "job", "reason", "run", "secret", "store", "trigger", "value",
            "words",
        ],
    ),
    ("scheduler", &["config", "job", "run", "trigger"]),
];

/// The only module that knows everybody.
const TOP: &str = "cli";

#[test]
fn no_module_knows_another_that_it_may_not() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    collect(&src, &src, &mut uses);
    assert!(uses.contains_key("trigger"), "the sources were read");
    let may_use: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut wrong = Vec::new();
    for (module, known) in uses.iter().filter(|(module, _)| *module != TOP) {
        let allowed = may_use.get(module.as_str()).copied().unwrap_or_default();
        let unknown = known
            .iter()
            .filter(|name| !allowed.contains(&name.as_str()));
        wrong.extend(unknown.map(|name| format!("{module} -> {name}")));
    }
    assert!(
        wrong.is_empty(),
        "arrows that are not in the house: {}",
        wrong.join(", ")
    );
}

#[test]
fn every_test_that_is_named_for_security_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for folder in ["src", "tests"] {
        read_all(&root.join(folder), &mut sources);
    }
    let text = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let cells = rows
        .skip(2)
        .map(|row| row.trim_end_matches(" |").rsplit(" | ").next());
    let mut named = 0;
    for name in cells.flatten().flat_map(|cell| cell.split('`')) {
        if name.trim().is_empty() {
            continue;
        }
        named += 1;
        assert!(
            sources.contains(&format!("fn {name}(")),
            "there is no test `{name}`"
        );
    }
    assert!(named > 20, "the table names tests");
}

/// The text of all Rust files of a folder.
fn read_all(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, text);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// Adds what each file of `folder` uses, tests aside.
fn collect(src: &Path, folder: &Path, uses: &mut BTreeMap<String, BTreeSet<String>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if ["tests", "testing"].contains(&stem) {
            continue;
        }
        if path.is_dir() {
            collect(src, &path, uses);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let module = module_of(src, &path);
            let text = fs::read_to_string(&path).unwrap();
            let found = used_in(&text)
                .filter(|name| *name != module)
                .map(str::to_owned);
            uses.entry(module.clone()).or_default().extend(found);
        }
    }
}

/// The module of the first level that a file belongs to.
fn module_of(src: &Path, path: &Path) -> String {
    let below = path.strip_prefix(src).unwrap();
    let first = below
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules of the first level that the code of a file names, before its own tests.
fn used_in(text: &str) -> impl Iterator<Item = &str> {
    let code = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines
        .flat_map(|line| line.split("crate::").skip(1))
        .map(|rest| {
            let end = rest
                .find(|c: char| !c.is_ascii_lowercase() && c != '_')
                .unwrap_or(rest.len());
            &rest[..end]
        })
}
