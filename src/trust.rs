//! Who else could change what `sched` runs.
//!
//! Whoever can write the config, a task, or a file that the config lets decide what runs, runs code
//! as the user of `sched`. Not for the state and the logs: these are made private by those that make
//! them.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use nix::unistd::{Uid, User};

use crate::clean;

/// Bits of a mode: who may write, and whether what is in a folder is safe from others all the same.
const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// How many links are followed, as in Linux.
const MOST_LINKS: usize = 40;

/// The endings of files that are code without being executable: what Python imports, or runs as it
/// starts, the archives that it imports from, shared libraries, and scripts of the shell. Compiled
/// files count, as those of a virtual environment are read.
const CODE: [&str; 7] = ["py", "pyc", "pth", "egg", "zip", "so", "sh"];

/// The file that tells the Python of a virtual environment where its modules are.
const PYVENV: &str = "pyvenv.cfg";

/// A file or folder that somebody else could change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weakness {
    /// The file or folder.
    pub path: PathBuf,
    /// Who could change it.
    pub who: Who,
}

/// Who could change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// Everybody on the machine.
    Everybody,
    /// The members of its group, by the group's number.
    Group(u32),
    /// Its owner, by the user's number.
    Owner(u32),
}

/// What may be trusted in whose hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Trust {
    /// The user that runs `sched`.
    user: u32,
    /// The owner of the config's folder, such as `www-data`, who may be root's steward.
    steward: Option<u32>,
}

/// What others could change, in the order in which it was found: what must be refused and what is
/// worth a warning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// What nobody should run as root.
    pub refused: Vec<Weakness>,
    /// What somebody should know of.
    pub doubtful: Vec<Weakness>,
}

/// Looks at the config, at what can run in the tasks folder, at other files that the config has a
/// say for, and at all folders on the way to them, as the present user.
///
/// Root refuses what others could change, as cron does; what belongs to the owner of the config's
/// folder is only doubtful. All else is doubtful for anybody else. What cannot be looked at is
/// left to whoever reads it.
#[must_use]
pub fn check(config: &Path, tasks: Option<&Path>, others: &BTreeSet<PathBuf>) -> Findings {
    let user = Uid::effective();
    let folder = config.parent().filter(|folder| *folder != Path::new(""));
    let steward = fs::metadata(folder.unwrap_or(Path::new("."))).ok();
    let trust = Trust {
        user: user.as_raw(),
        steward: steward
            .map(|folder| folder.uid())
            .filter(|_| user.is_root()),
    };
    let mut findings = Findings::default();
    let mut seen = HashSet::new();
    for path in on_the_way(config)
        .into_iter()
        .chain(tasks.into_iter().flat_map(all_tasks))
        .chain(others.iter().flat_map(|file| on_the_way(file)))
    {
        if let Ok(metadata) = fs::symlink_metadata(&path)
            && seen.insert(identity(&metadata))
        {
            findings.add(path, trust, &metadata);
        }
    }
    findings
}

impl Findings {
    fn add(&mut self, path: PathBuf, trust: Trust, metadata: &Metadata) {
        let Some(who) = trust.weakness(metadata.uid(), metadata.gid(), mode_of(metadata)) else {
            return;
        };
        let is_steward = matches!(who, Who::Owner(owner) if trust.steward == Some(owner));
        let list = if trust.user == 0 && !is_steward {
            &mut self.refused
        } else {
            &mut self.doubtful
        };
        list.push(Weakness { path, who });
    }
}

impl Trust {
    /// Who else could change something of that owner, group and mode.
    fn weakness(self, owner: u32, group: u32, mode: u32) -> Option<Who> {
        // A group of the owner's own has the owner's number on most systems and no other member.
        let is_own_group = group == owner && self.user != 0;
        if mode & STICKY == 0 && mode & OTHERS_WRITE != 0 {
            Some(Who::Everybody)
        } else if mode & STICKY == 0 && mode & GROUP_WRITES != 0 && !is_own_group {
            Some(Who::Group(group))
        } else {
            (owner != 0 && owner != self.user).then_some(Who::Owner(owner))
        }
    }
}

/// The mode that counts: a link's own has no meaning, and only a folder can be sticky.
fn mode_of(metadata: &Metadata) -> u32 {
    let kind = metadata.file_type();
    match metadata.mode() {
        _ if kind.is_symlink() => 0,
        mode if kind.is_dir() => mode,
        mode => mode & !STICKY,
    }
}

/// A tasks folder with what leads to it, and all that can run below it and below the folders that
/// links there lead to: data may belong to anybody.
fn all_tasks(folder: &Path) -> Vec<PathBuf> {
    let mut all = on_the_way(folder);
    let mut folders = vec![folder.to_owned()];
    let mut seen = HashSet::new();
    while let Some(folder) = folders.pop() {
        // Links may lead in a circle.
        if !fs::metadata(&folder).is_ok_and(|folder| seen.insert(identity(&folder))) {
            continue;
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let metadata = fs::metadata(&path).ok();
            if metadata.as_ref().is_some_and(Metadata::is_dir) {
                folders.push(path.clone());
            } else if !is_code(&path, metadata.as_ref()) {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_symlink() => all.extend(on_the_way(&path)),
                Ok(_) | Err(_) => all.push(path),
            }
        }
    }
    all
}

/// Whether `path` is a file that can be executed, or that goes by a name of code.
#[must_use]
pub fn can_run(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && is_code(path, Some(&metadata)))
}

/// Whether a file can be executed, or be imported, sourced or loaded by what is. What cannot be
/// looked at may be anything.
fn is_code(path: &Path, metadata: Option<&Metadata>) -> bool {
    let is_program = metadata.is_none_or(|file| file.is_file() && file.mode() & 0o111 != 0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    // Of a library, the version may come last: `libz.so.1`.
    is_program || name == PYVENV || CODE.contains(&ending) || name.contains(".so.")
}

/// What a file or folder is, whatever it is called: its device and its number there.
fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// All folders and links that the system passes on the way to `path`, and what it ends at.
fn on_the_way(path: &Path) -> Vec<PathBuf> {
    let Ok(absolute) = std::path::absolute(path) else {
        return Vec::new();
    };
    let mut passed = Vec::new();
    let mut here = PathBuf::new();
    let mut ahead = parts(&absolute);
    let mut links = 0;
    while let Some(part) = ahead.pop() {
        here.push(part);
        if here.ends_with("..") {
            here.pop();
            here.pop();
        }
        passed.push(here.clone());
        if let Ok(target) = fs::read_link(&here)
            && links < MOST_LINKS
        {
            links += 1;
            here.pop();
            ahead.extend(parts(&target));
        }
    }
    passed
}

/// The components of a path, the last one first.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    parts
        .rev()
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

impl Weakness {
    /// What is wrong: `/srv/tasks can be changed by everybody`.
    #[must_use]
    pub fn message(&self) -> String {
        let path = self.path.display();
        match self.who {
            Who::Everybody => format!("{path} can be changed by everybody"),
            Who::Group(group) => format!("{path} can be changed by {}", group_name(group)),
            Who::Owner(owner) => format!("{path} belongs to {}", user_name(owner)),
        }
    }

    /// The command that mends it.
    #[must_use]
    pub fn help(&self) -> String {
        let path = self.path.to_string_lossy();
        let path = clean::word(&path);
        match self.who {
            Who::Everybody | Who::Group(_) => format!("`chmod go-w {path}`"),
            Who::Owner(_) => format!("`chown root {path}`"),
        }
    }
}

fn user_name(user: u32) -> String {
    let known = User::from_uid(Uid::from_raw(user)).ok().flatten();
    known.map_or_else(|| format!("user {user}"), |known| known.name)
}

fn group_name(group: u32) -> String {
    let known = nix::unistd::Group::from_gid(group.into()).ok().flatten();
    known.map_or_else(
        || format!("group {group}"),
        |known| format!("group {}", known.name),
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    const ROOT: Trust = Trust {
        user: 0,
        steward: Some(33),
    };
    const USER: Trust = Trust {
        user: 1000,
        steward: None,
    };

    #[test]
    fn what_others_could_change_is_weak() {
        for (trust, owner, group, mode, expected) in [
            (ROOT, 0, 0, 0o644, None),
            (ROOT, 0, 0, 0o755, None),
            (ROOT, 0, 0, 0o664, Some(Who::Group(0))),
            (ROOT, 0, 7, 0o646, Some(Who::Everybody)),
            (ROOT, 0, 0, 0o1777, None),
            (ROOT, 33, 33, 0o644, Some(Who::Owner(33))),
            (ROOT, 1000, 1000, 0o1777, Some(Who::Owner(1000))),
            (USER, 1000, 1000, 0o664, None),
            (USER, 1000, 100, 0o664, Some(Who::Group(100))),
            (USER, 0, 0, 0o644, None),
            (USER, 1001, 1001, 0o644, Some(Who::Owner(1001))),
            (USER, 1000, 1000, 0o777, Some(Who::Everybody)),
        ] {
            let found = trust.weakness(owner, group, mode);
            assert_eq!(found, expected, "{trust:?} {owner} {group} {mode:o}");
        }
    }

    #[test]
    fn every_folder_and_link_on_the_way_is_passed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        fs::create_dir_all(folder.join("real/deep")).unwrap();
        fs::write(folder.join("real/deep/config.yml"), "").unwrap();
        symlink("real", folder.join("link")).unwrap();
        symlink("link/deep/../deep/config.yml", folder.join("config.yml")).unwrap();
        let passed = on_the_way(&folder.join("config.yml"));
        assert_eq!(passed[0], Path::new("/"));
        let below: Vec<_> = passed
            .iter()
            .filter_map(|path| path.strip_prefix(&folder).ok())
            .collect();
        let expected = [
            "",
            "config.yml",
            "link",
            "real",
            "real/deep",
            "real",
            "real/deep",
            "real/deep/config.yml",
        ];
        assert_eq!(below, expected.map(Path::new));
    }

    #[test]
    fn the_command_that_mends_it_can_be_pasted() {
        let weakness = Weakness {
            path: "/srv/my tasks".into(),
            who: Who::Owner(33),
        };
        assert_eq!(weakness.help(), "`chown root '/srv/my tasks'`");
    }

    #[test]
    fn a_circle_of_links_is_left() {
        let folder = tempfile::tempdir().unwrap();
        symlink("b", folder.path().join("a")).unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        assert!(on_the_way(&folder.path().join("a")).len() < 200);
    }

    #[test]
    fn what_can_run_below_the_tasks_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("package/__pycache__")).unwrap();
        let code = [
            "a.py",
            "package/b.py",
            "package/__pycache__/b.cpython-312.pyc",
            "package/c.cpython-312-x86_64-linux-gnu.so",
            "libz.so.1",
            "site.pth",
            "pyvenv.cfg",
            "program",
        ];
        let data = [
            "data.csv",
            "py",
            "a.py.old",
            "package/notes.txt",
            "setup.cfg",
        ];
        for name in code.iter().chain(&data) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path().join("program"), executable).unwrap();
        let all = all_tasks(folder.path());
        let has = |name: &str| all.contains(&folder.path().join(name));
        for name in code.into_iter().chain(["package"]) {
            assert!(has(name), "{name}");
        }
        for name in data {
            assert!(!has(name), "{name}");
        }
    }

    #[test]
    fn data_is_looked_at_where_it_goes_by_the_name_of_code_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data.csv");
        fs::write(&data, "").unwrap();
        assert!(!all_tasks(folder.path()).contains(&data));
        symlink("data.csv", folder.path().join("code.py")).unwrap();
        let all = all_tasks(folder.path());
        assert!(all.iter().any(|path| path.ends_with("data.csv")));
    }

    #[test]
    fn tasks_below_a_linked_folder_are_looked_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (tasks, elsewhere) = (folder.path().join("tasks"), folder.path().join("elsewhere"));
        for folder in [&tasks, &elsewhere] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(elsewhere.join("a.py"), "").unwrap();
        symlink("../elsewhere", tasks.join("package")).unwrap();
        symlink("../tasks", elsewhere.join("circle")).unwrap();
        let all = all_tasks(&tasks);
        let found = all.iter().filter(|path| path.ends_with("a.py"));
        assert_eq!(found.collect::<Vec<_>>(), [&tasks.join("package/a.py")]);
        assert!(all.iter().any(|path| path.ends_with("elsewhere")));
    }
}
