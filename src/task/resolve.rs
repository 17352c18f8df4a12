//! Which file a dotted name names.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Setup;

/// Several executable files have the name of a task.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` names several executable files: {}", files.join(", "))]
pub struct Ambiguous {
    name: String,
    files: Vec<String>,
}

/// The executable file that `name` names, unless a Python file comes before it.
pub(super) fn executable(setup: &Setup, name: &str) -> Result<Option<PathBuf>, Ambiguous> {
    let Some(folder) = &setup.tasks_folder else {
        return Ok(None);
    };
    let parts: Vec<_> = name.split('.').collect();
    let Some((last, above)) = parts
        .split_last()
        .filter(|_| parts.iter().all(is_component))
    else {
        return Ok(None);
    };
    let Some(first) = above.first().filter(|first| !is_python(folder, first)) else {
        return Ok(None);
    };
    let _ = first;
    let mut files = executables(
        &above
            .iter()
            .fold(folder.clone(), |path, part| path.join(part)),
        last,
    );
    if files.len() > 1 {
        return Err(Ambiguous {
            name: name.to_owned(),
            files: files
                .iter()
                .map(|file| setup.shown(file).display().to_string())
                .collect(),
        });
    }
    Ok(files.pop())
}

/// Whether `part` is the name of one file: nothing that leads to another folder.
fn is_component(part: &&str) -> bool {
    !part.is_empty() && !part.contains(['/', '\0'])
}

/// Whether the first part of a name is a Python file or package of the tasks folder.
fn is_python(folder: &Path, first: &str) -> bool {
    folder.join(format!("{first}.py")).is_file() || folder.join(first).join("__init__.py").is_file()
}

/// The executable files of `folder` that are called `name`, with any ending, sorted.
fn executables(folder: &Path, name: &str) -> Vec<PathBuf> {
    let fits = |path: &PathBuf| {
        let file = path
            .file_name()
            .and_then(|file| file.to_str())
            .unwrap_or_default();
        file == name
            || file
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('.'))
    };
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(fits)
        .filter(|path| can_run(path))
        .collect();
    files.sort();
    files
}

fn can_run(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

impl Setup {
    /// A file as people should read it: from the folder above the tasks folder, where it is there.
    pub(super) fn shown<'a>(&self, file: &'a Path) -> &'a Path {
        let above = self.tasks_folder.as_deref().and_then(Path::parent);
        above
            .and_then(|above| file.strip_prefix(above).ok())
            .unwrap_or(file)
    }
}
