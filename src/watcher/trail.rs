//! The way to a file: every folder and symlink on it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// How many symlinks to follow. Source: `path_resolution(7)`.
const MOST_SYMLINKS: usize = 40;

/// `/tmp` and the like (`/` counts too) have many entries that change all the time, and are not
/// exchanged themselves: they are watched only for a symlink, the file, or what is missing.
const TOP_LEVEL: usize = 2;

/// The ways to some files. A change of any entry on them may lead to other files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Trail {
    /// The folders to watch, without symlinks.
    pub(super) folders: BTreeSet<PathBuf>,
    /// Where the ways end, without symlinks.
    pub(super) ends: BTreeSet<PathBuf>,
    entries: BTreeSet<PathBuf>,
    needed: BTreeSet<PathBuf>,
}

impl Trail {
    /// The ways to these paths.
    pub(super) fn of<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut trail = Self::default();
        for path in paths {
            trail.follow(path);
        }
        trail.folders.extend(trail.needed.iter().cloned());
        trail
    }

    /// Adds the way to `path`, as far as it exists.
    fn follow(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut here = PathBuf::from("/");
        let mut ahead = parts(&path);
        let mut symlinks = 0;
        while let Some(name) = ahead.pop() {
            if name == ".." {
                here.pop();
                continue;
            }
            let entry = here.join(&name);
            if here.components().count() > TOP_LEVEL {
                self.folders.insert(here.clone());
            }
            self.entries.insert(entry.clone());
            if let Ok(target) = std::fs::read_link(&entry) {
                self.needed.insert(here.clone());
                symlinks += 1;
                if symlinks > MOST_SYMLINKS {
                    return;
                }
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                ahead.extend(parts(&target));
            } else if ahead.is_empty() || !entry.is_dir() {
                self.needed.insert(here);
                self.ends.insert(entry);
                return;
            } else {
                here = entry;
            }
        }
    }

    /// Whether `path` is an entry on the way.
    pub(super) fn meets(&self, path: &Path) -> bool {
        self.entries.contains(path)
    }

    /// Whether changes are likely in `folder`: it has a symlink, the file, or what is missing.
    pub(super) fn needs(&self, folder: &Path) -> bool {
        self.needed.contains(folder) || self.ends.contains(folder)
    }
}

/// The names of a path, the last first.
fn parts(path: &Path) -> Vec<OsString> {
    let named = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    });
    named.collect()
}
