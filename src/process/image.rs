//! What a process becomes: the program, its words, its variables, as the system wants to read them.

use std::ffi::{CStr, CString, NulError, OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::ptr;

use nix::errno::Errno;
use nix::libc::{self, c_char};

use super::Launch;
use super::program::places;
use super::spawn::environment;

/// What runs a file that is no program and names no other that runs it.
const SHELL: &CStr = c"/bin/sh";

/// A program with all that it is executed with.
#[derive(Debug)]
pub(super) struct Image {
    /// Where it may be.
    places: Vec<CString>,
    /// The shell, in case it is needed, the program and its arguments.
    words: List,
    variables: List,
    directory: Option<CString>,
}

impl Image {
    /// What `launch` starts.
    ///
    /// # Errors
    /// Where a text has the character NUL, at which the system would cut it off.
    pub(super) fn of(launch: &Launch) -> Result<Self, NulError> {
        let environment = environment(launch);
        let path = environment.get(OsStr::new("PATH"));
        let places = places(&launch.program, path.map(OsString::as_os_str));
        let mut words = vec![SHELL.to_owned(), text(&launch.program)?];
        for word in &launch.args {
            words.push(text(word)?);
        }
        let variables = environment.iter().map(|(name, value)| {
            let parts = [name.as_os_str(), OsStr::new("="), value];
            text(parts.into_iter().collect::<OsString>())
        });
        Ok(Self {
            places: places.iter().map(text).collect::<Result<_, _>>()?,
            words: List::of(words),
            variables: List::of(variables.collect::<Result<_, _>>()?),
            directory: launch.directory.as_ref().map(text).transpose()?,
        })
    }

    /// Where the program starts; `None` for where we are.
    pub(super) fn directory(&self) -> Option<&CStr> {
        self.directory.as_deref()
    }

    /// Becomes the program, and returns where it cannot. It makes system calls only.
    ///
    /// Source: `execvp(3)`: the next place is tried where there is no such file, or none that may be
    /// executed; what is no program is the shell's.
    pub(super) fn execute(&mut self) -> Errno {
        let mut why = Errno::ENOENT;
        for place in &self.places {
            let variables = &self.variables.addresses;
            let mut errno = exec(place, &self.words.addresses[1..], variables);
            if errno == Errno::ENOEXEC {
                self.words.addresses[1] = place.as_ptr();
                errno = exec(SHELL, &self.words.addresses, variables);
            }
            match errno {
                // Of what was found, more can be told than of what was not.
                Errno::ENOENT | Errno::ENOTDIR | Errno::ESTALE if why == Errno::EACCES => {}
                Errno::EACCES | Errno::ENOENT | Errno::ENOTDIR | Errno::ESTALE => why = errno,
                _ => return errno,
            }
        }
        why
    }
}

/// Executes the file at `place`, and returns where that fails.
fn exec(place: &CStr, words: &[*const c_char], variables: &[*const c_char]) -> Errno {
    // SAFETY: each of the three ends as the system expects it, and lives for as long as it reads.
    unsafe { libc::execve(place.as_ptr(), words.as_ptr(), variables.as_ptr()) };
    Errno::last()
}

fn text(text: impl Into<OsString>) -> Result<CString, NulError> {
    CString::new(text.into().into_vec())
}

/// Texts, and where they are.
#[derive(Debug)]
struct List {
    _texts: Vec<CString>,
    /// The last one is null.
    addresses: Vec<*const c_char>,
}

// SAFETY: the addresses are of texts that it owns, which stay where they are wherever it goes.
unsafe impl Send for List {}
// SAFETY: nobody changes the texts.
unsafe impl Sync for List {}

impl List {
    fn of(texts: Vec<CString>) -> Self {
        let addresses = texts.iter().map(|text| text.as_ptr());
        Self {
            addresses: addresses.chain([ptr::null()]).collect(),
            _texts: texts,
        }
    }
}
