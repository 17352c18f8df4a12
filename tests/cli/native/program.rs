//! A program among the examples, run in a folder.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use crate::folder::{Answer, Folder, run};

/// A program that has `sched` as its library.
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) folder: Folder,
}

impl Program {
    pub(super) fn new(name: &str, folder: Folder) -> Self {
        let profile = profile();
        build(&profile);
        Self {
            path: profile.join("examples").join(name),
            folder,
        }
    }

    /// Runs it with the words of `line`, which white space parts.
    pub(super) fn run(&self, line: &str) -> Answer {
        let mut command = self.folder.command_of(&self.path);
        run(command.args(line.split_whitespace()))
    }
}

/// The folder of what is built as this test is: it lies there in `deps`.
fn profile() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    here.ancestors().nth(2).unwrap().to_owned()
}

/// Builds the examples, in case that this test is built alone.
fn build(profile: &Path) {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        let mut command = Command::new(env!("CARGO"));
        command.args(["build", "--quiet", "--offline", "--examples"]);
        command.arg("--target-dir").arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            command.arg("--release");
        }
        // What Cargo tells tests of the package would make it build anew what depends on that.
        let names = std::env::vars_os().map(|(name, _)| name);
        let is_told = |name: &OsString| {
            let name = name.to_string_lossy();
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        };
        names
            .filter(is_told)
            .for_each(|name| _ = command.env_remove(name));
        let built = command.current_dir(env!("CARGO_MANIFEST_DIR")).status();
        assert!(built.unwrap().success());
    });
}
