//! The events of `--log-format json`: the README, the code and the enum name the same ones.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read the sources fails"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sched::logging::Topic;

fn words() -> BTreeSet<String> {
    let all = Topic::ALL.into_iter();
    all.map(|topic| topic.word().to_owned()).collect()
}

#[test]
fn the_readme_names_every_event() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let readme = readme.unwrap();
    let (_, rest) = readme
        .split_once("| about | `event` |\n| --- | --- |\n")
        .unwrap();
    let rows = rest.lines().take_while(|line| line.starts_with('|'));
    let quoted = |row: &str| -> Vec<String> {
        let parts = row.split('`').skip(1).step_by(2);
        parts.map(str::to_owned).collect()
    };
    let named: Vec<String> = rows.flat_map(quoted).collect();
    assert_eq!(named.iter().cloned().collect::<BTreeSet<_>>(), words());
    assert_eq!(named.len(), Topic::ALL.len(), "none twice");
}

#[test]
fn the_code_tells_every_event_and_no_other() {
    let mut source = String::new();
    collect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut source,
    );
    let told = source.split("event = \"").skip(1);
    let told: BTreeSet<String> = told
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    let unknown: Vec<_> = told.difference(&words()).cloned().collect();
    assert_eq!(unknown, [] as [String; 0]);
    for topic in Topic::ALL {
        let by_name = source.contains(&format!("Topic::{topic:?}"));
        let is_default = topic == Topic::default();
        assert!(
            is_default || by_name || told.contains(topic.word()),
            "nobody tells `{}`",
            topic.word()
        );
    }
}

/// The text of all sources but the enum's own.
fn collect(folder: &Path, source: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, source);
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && path.file_stem().is_some_and(|stem| stem != "topic")
        {
            source.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
