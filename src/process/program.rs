//! Where a program is looked for.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::Launch;
use super::spawn::environment;

/// Where programs are where there is no `PATH`.
///
/// Source: `execvp(3)`.
const USUAL_PATH: &str = "/bin:/usr/bin";

/// Where a program may be: a name is looked for in the folders of `PATH`, a path is one.
pub(super) fn places(program: &Path, path: Option<&OsStr>) -> Vec<PathBuf> {
    if is_path(program) || program.as_os_str().is_empty() {
        return vec![program.to_owned()];
    }
    let folders = std::env::split_paths(path.unwrap_or(OsStr::new(USUAL_PATH)));
    folders.map(|folder| folder.join(program)).collect()
}

/// Whether a program is named by its path, not to be looked for.
///
/// Source: `execvp(3)`.
pub(super) fn is_path(program: &Path) -> bool {
    program.as_os_str().as_encoded_bytes().contains(&b'/')
}

/// Where the program of `launch` is, which is named by its path.
pub(super) fn placed(launch: &Launch) -> PathBuf {
    let start = launch.directory.as_deref().unwrap_or(Path::new(""));
    start.join(&launch.program)
}

/// Whether there is a file where the program of `launch` is looked for.
#[must_use]
pub fn is_there(launch: &Launch) -> bool {
    let environment = environment(launch);
    let path = environment.get(OsStr::new("PATH"));
    let places = places(&launch.program, path.map(OsString::as_os_str));
    let start = launch.directory.clone().unwrap_or_default();
    places.iter().any(|place| start.join(place).is_file())
}
