//! Asking whether tasks exist.

use std::path::PathBuf;

/// Tells whether dotted names name something that can be called, without running a line of it.
pub trait Lookup {
    /// One answer for each of `names`, in their order.
    ///
    /// # Errors
    /// Why nothing could be looked up at all, as a fragment such as `python3 was not found`.
    fn look_up(&self, names: &[&str]) -> Result<Vec<Answer>, String>;
}

/// What a dotted name names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A name that a Python file binds.
    Function {
        /// The file, relative to the folder above the tasks folder where it lies in that.
        file: PathBuf,
        /// The line of its definition, from 1.
        line: u32,
    },
    /// An executable file.
    Executable {
        /// The file.
        file: PathBuf,
    },
    /// No file, package or module of the first part's name.
    NoModule {
        /// The name that was not found, such as `tasks/tost.py` or the module `foo.bar`.
        what: String,
        /// Whole dotted names that exist and are near.
        near: Vec<String>,
    },
    /// The module is there and does not bind the name.
    NoFunction {
        /// The file that was searched.
        file: PathBuf,
        /// The name that is missing in it.
        function: String,
        /// Whole dotted names that exist and are near.
        near: Vec<String>,
    },
    /// Something is there that cannot be used.
    Unusable {
        /// Why, a fragment such as `tasks/test.py is not Python (line 3: invalid syntax)`.
        why: String,
    },
    /// It cannot be looked into without running it.
    Opaque {
        /// Why, a fragment.
        why: String,
    },
}
