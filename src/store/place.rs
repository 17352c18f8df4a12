//! Where the state of one config is: a database, a lock and a socket in the state folder.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::job::digest;

/// How much of the config's name the files' names begin with, in characters.
const STEM: usize = 32;

/// The files of one config in the state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    folder: PathBuf,
    name: String,
}

impl Place {
    /// The place in `folder` for the config at `config`, an absolute path whose folder is
    /// resolved.
    #[must_use]
    pub fn new(folder: PathBuf, config: &Path) -> Self {
        let stem = config.file_stem().unwrap_or_default().to_string_lossy();
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let stem: String = stem.chars().take(STEM).map(plain).collect();
        let name = format!("{stem}-{:016x}", digest(config.as_os_str().as_bytes()));
        Self { folder, name }
    }

    /// The state folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The database of runs.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.file("db")
    }

    /// The file that the watcher holds locked.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.file("lock")
    }

    /// The notes of runs that begin.
    #[must_use]
    pub fn slate(&self) -> PathBuf {
        self.file("begun")
    }

    /// The socket that the watcher answers on.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.file("sock")
    }

    fn file(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(config: &str) -> PathBuf {
        Place::new(PathBuf::from("/state"), Path::new(config)).database()
    }

    #[test]
    fn each_config_has_a_database_of_its_own() {
        assert_eq!(
            database("/srv/da/config.yml"),
            Path::new("/state/config-5ec42786cd975dfe.db")
        );
        assert_ne!(
            database("/srv/da/config.yml"),
            database("/srv/db/config.yml")
        );
        let strange = database("/srv/..\u{1b}[2J café.yml");
        let name = strange.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("----2J-caf--"), "{name}");
    }
}
