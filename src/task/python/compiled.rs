//! Where our own code is kept as a Python has compiled it: files of the state folder, which that
//! Python reads and writes.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use super::interpreter::{Interpreter, Stamp};

/// What the names of the files begin with.
const PREFIX: &str = "code-";

/// How many files are kept beside a new one. One that is still of use is made again.
const MOST: usize = 7;

/// The file in `folder` for `code` as compiled by `interpreter`. Where it is still to be made, the
/// oldest of too many others go: those of former versions of us, and of Pythons that are gone.
pub(super) fn place(folder: &Path, code: &str, interpreter: &Interpreter) -> PathBuf {
    let Interpreter {
        program, version, ..
    } = interpreter;
    let mut hasher = DefaultHasher::new();
    // Before it is released, a version is built more than once, and each may compile otherwise.
    (code, program, version, Stamp::of(program)).hash(&mut hasher);
    let place = folder.join(format!("{PREFIX}{:016x}", hasher.finish()));
    if !place.exists() {
        sweep(folder);
    }
    place
}

/// Removes all but the newest files.
fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    let dated = |entry: fs::DirEntry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()));
    let mut files: Vec<_> = ours.filter_map(dated).collect();
    files.sort();
    let surplus = files.len().saturating_sub(MOST);
    for (_, file) in &files[..surplus] {
        // What cannot be removed harms nobody.
        let _ = fs::remove_file(file);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn another_build_of_a_python_has_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let python = Interpreter {
            program: folder.path().join("python"),
            version: "3.15.0".to_owned(),
            from: "PATH",
        };
        let built = |bytes: &str| {
            fs::write(&python.program, bytes).unwrap();
            place(folder.path(), "pass", &python)
        };
        let first = built("a");
        assert_eq!(first, place(folder.path(), "pass", &python));
        assert_ne!(first, built("ab"));
    }

    #[test]
    fn the_oldest_files_of_others_go_when_a_new_one_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let old = |name: &str, age| {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(age);
            file.set_modified(time).unwrap();
        };
        old("history.db", 0);
        (1..=9).for_each(|age| old(&format!("code-{age}"), age));
        let python = Interpreter {
            program: "/usr/bin/python3".into(),
            version: "3.11.7".to_owned(),
            from: "PATH",
        };
        let place = place(folder.path(), "pass", &python);
        let names = || {
            let entries = fs::read_dir(folder.path()).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<_> = names.collect();
            names.sort();
            names
        };
        let rest = [
            "code-3", "code-4", "code-5", "code-6", "code-7", "code-8", "code-9",
        ];
        assert_eq!(names(), [&rest[..], &["history.db"]].concat());
        fs::write(&place, "").unwrap();
        assert_eq!(super::place(folder.path(), "pass", &python), place);
        assert_eq!(names().len(), 9);
    }
}
