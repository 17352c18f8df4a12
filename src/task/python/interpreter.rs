//! Which Python runs the tasks.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::sync::{Mutex, watch};

use super::heard::Heard;
use super::{compiled, memory};
use crate::process::{self, Launch};
use crate::run::Order;
use crate::task::Setup;

/// The oldest version that will do.
const OLDEST: (u32, u32) = (3, 8);

/// How long an interpreter may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest answer that is read, in bytes.
const LONGEST_BYTES: usize = 64 * 1024;

/// Where docassemble's installer puts things.
const DOCASSEMBLE: &str = "/usr/share/docassemble";

/// Runs code that arrives on standard input, before the rest of what does. Until the working
/// directory is off `sys.path`, a file in it could stand in for any module. To compile the code
/// takes long: what comes of it is kept in a file that nobody else can write, where there is one.
const BOOTSTRAP: &str = "\
import sys
sys.path[:1] = filter(None, sys.path[:1])
import marshal, os
stream = open(0, 'rb', closefd=False)
size, kept = stream.readline()[:-1].split(b' ', 1)
text = stream.read(int(size))
try:
    with open(kept, 'rb') as file: code = marshal.loads(file.read())
    code.co_code
except Exception:
    code = compile(text, '<sched>', 'exec', optimize=2)
    try:
        if kept:
            draft = b'%s.%d' % (kept, os.getpid())
            draft_file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(draft_file, 'wb') as file: marshal.dump(code, file)
            os.replace(draft, kept)
    except OSError: pass
scope = {'__name__': 'sched'}
exec(code, scope)
scope['main'](stream)
";

/// A Python that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// Its own name for itself, which in a virtual environment is a symlink that must stay one.
    pub program: PathBuf,
    /// Its version, such as `3.11.7`.
    pub version: String,
    /// Where its name came from: `setting`, `VIRTUAL_ENV`, `docassemble`, `PATH`.
    pub from: &'static str,
}

/// An interpreter that was asked, with its file as it was then.
#[derive(Debug)]
pub(in crate::task) struct Remembered {
    candidate: Candidate,
    stamp: Option<Stamp>,
    interpreter: Interpreter,
}

/// What tells a file from its successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::task) struct Stamp {
    pub(super) modified: SystemTime,
    pub(super) bytes: u64,
}

impl Stamp {
    /// The stamp of a file of so many bytes that was modified so many nanoseconds after 1970;
    /// `None` for times that no file system knows.
    pub(super) fn from_nanos(modified_ns: i64, bytes: u64) -> Option<Self> {
        let apart = Duration::from_nanos(modified_ns.unsigned_abs());
        let modified = if modified_ns < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(apart)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(apart)
        };
        modified.map(|modified| Self { modified, bytes })
    }

    /// The stamp of the file at `path`, where there is one.
    pub(in crate::task) fn of(path: &Path) -> Option<Self> {
        let metadata = path.metadata().ok()?;
        Some(Self {
            modified: metadata.modified().ok()?,
            bytes: metadata.len(),
        })
    }
}

/// A file that may be an interpreter.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    path: PathBuf,
    from: &'static str,
}

/// Why no Python can be used.
#[derive(Debug, thiserror::Error)]
pub enum InterpreterError {
    /// There is none of that name.
    #[error("{0} was not found")]
    NotFound(String),
    /// It could not be asked.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// What was started is no Python.
    #[error("`{}` does not answer as a Python does: it ended {ended}", path.display())]
    Strange {
        /// Where it is.
        path: PathBuf,
        /// How it ended, and what it said of that.
        ended: String,
    },
    /// It is too old.
    #[error("`{}` is Python {version}, but {}.{} or newer is needed", path.display(), OLDEST.0, OLDEST.1)]
    Old {
        /// Its file.
        path: PathBuf,
        /// Its version.
        version: String,
    },
}

impl Interpreter {
    /// `launch` as the start of this Python with `code`, whose function `main` reads `input`.
    pub(in crate::task) fn launch(
        &self,
        code: &str,
        input: &[u8],
        setup: &Setup,
        launch: Launch,
    ) -> Launch {
        let kept = setup
            .state_folder
            .as_ref()
            .map(|folder| compiled::place(folder, code, self));
        let kept = kept.unwrap_or_default().into_os_string().into_vec();
        let mut bytes = format!("{} ", code.len()).into_bytes();
        // No line can hold a path with a line break: then nothing is kept.
        bytes.extend(
            kept.split(|byte| *byte == b'\n')
                .next()
                .filter(|line| line.len() == kept.len())
                .unwrap_or_default(),
        );
        bytes.push(b'\n');
        bytes.extend_from_slice(code.as_bytes());
        bytes.extend_from_slice(input);
        let mut variables = launch.variables;
        variables.extend(clean_python_path(&variables));
        Launch {
            program: self.program.clone(),
            args: ["-X", "utf8", "-X", "faulthandler", "-c", BOOTSTRAP]
                .map(OsString::from)
                .into(),
            variables,
            input: Some(bytes),
            ..launch
        }
    }
}

/// `PYTHONPATH` without its empty entries, where it has any: Python would take them for the
/// working directory, and `PYTHONPATH=$PYTHONPATH:/more` easily makes one.
fn clean_python_path(
    variables: &[(OsString, Option<OsString>)],
) -> Option<(OsString, Option<OsString>)> {
    let own = variables.iter().rfind(|(name, _)| name == "PYTHONPATH");
    let path = match own {
        Some((_, value)) => value.clone(),
        None => std::env::var_os("PYTHONPATH"),
    }?;
    let (empty, entries): (Vec<_>, Vec<_>) =
        std::env::split_paths(&path).partition(|entry| entry.as_os_str().is_empty());
    let cleaned = std::env::join_paths(entries).ok()?;
    (!empty.is_empty()).then(|| ("PYTHONPATH".into(), Some(cleaned)))
}

/// The interpreter for `setup`; asked again only when its file is another one.
pub(in crate::task) async fn find(
    setup: &Setup,
    memory: &Mutex<Option<Remembered>>,
) -> Result<Interpreter, InterpreterError> {
    let candidate = candidate(setup)?;
    let stamp = Stamp::of(&candidate.path);
    // Several runs that begin at once wait for one answer.
    let mut memory = memory.lock().await;
    if let Some(known) = &*memory
        && known.candidate == candidate
        && known.stamp == stamp
    {
        return Ok(known.interpreter.clone());
    }
    let interpreter = match recalled(setup, &candidate, stamp) {
        Some(interpreter) => interpreter,
        None => ask_and_keep(setup, &candidate, stamp).await?,
    };
    *memory = Some(Remembered {
        candidate,
        stamp,
        interpreter: interpreter.clone(),
    });
    Ok(interpreter)
}

/// What the candidate has answered before, to another process of ours perhaps.
fn recalled(setup: &Setup, candidate: &Candidate, stamp: Option<Stamp>) -> Option<Interpreter> {
    let known = memory::recall(setup.state_folder.as_ref()?, &candidate.path, stamp?)?;
    Some(Interpreter {
        program: known.program,
        version: known.version,
        from: candidate.from,
    })
}

async fn ask_and_keep(
    setup: &Setup,
    candidate: &Candidate,
    stamp: Option<Stamp>,
) -> Result<Interpreter, InterpreterError> {
    let found = ask(candidate).await?;
    if let (Some(folder), Some(stamp)) = (&setup.state_folder, stamp) {
        let (program, version) = (found.program.clone(), found.version.clone());
        let answer = memory::Answered::of(&candidate.path, stamp, program, version);
        // Where it cannot be kept, Python is asked again the next time.
        let _ = memory::keep(folder, answer);
    }
    Ok(found)
}

/// The first of the places where a Python may be.
fn candidate(setup: &Setup) -> Result<Candidate, InterpreterError> {
    if let Some(written) = &setup.python {
        return from_setting(written, setup);
    }
    let found = virtual_environment()
        .or_else(|| docassemble(&setup.config_file))
        .or_else(|| on_path(Path::new("python3")));
    found.ok_or_else(|| InterpreterError::NotFound("python3".to_owned()))
}

/// The interpreter that the config names: a path, or a name that is looked up on `PATH`.
fn from_setting(written: &Path, setup: &Setup) -> Result<Candidate, InterpreterError> {
    let is_name = written.components().count() == 1 && !written.has_root();
    let found = if is_name {
        on_path(written).map(|candidate| candidate.path)
    } else {
        let folder = setup.config_file.parent().unwrap_or(Path::new(""));
        Some(folder.join(written)).filter(|path| path.is_file())
    };
    let from = "setting";
    found.map(|path| Candidate { path, from }).ok_or_else(|| {
        InterpreterError::NotFound(format!("the Python `{}` of the config", written.display()))
    })
}

fn virtual_environment() -> Option<Candidate> {
    let folder = std::env::var_os("VIRTUAL_ENV").filter(|folder| !folder.is_empty())?;
    let path = PathBuf::from(folder).join("bin/python3");
    path.is_file().then_some(Candidate {
        path,
        from: "VIRTUAL_ENV",
    })
}

/// docassemble's own Python, of the newest version, where `config_file` is docassemble's own.
fn docassemble(config_file: &Path) -> Option<Candidate> {
    let theirs = match std::env::var_os("DA_CONFIG_FILE") {
        Some(file) => PathBuf::from(file),
        None => Path::new(DOCASSEMBLE).join("config/config.yml"),
    };
    if theirs.canonicalize().ok()? != config_file.canonicalize().ok()? {
        return None;
    }
    let folders = Path::new(DOCASSEMBLE).read_dir().ok()?.flatten();
    let minor = |path: &PathBuf| -> Option<u32> {
        let name = path.file_name()?.to_str()?;
        name.strip_prefix("local3.")?.parse().ok()
    };
    let newest = folders
        .map(|folder| folder.path())
        .filter(|path| minor(path).is_some() && path.join("bin/python3").is_file())
        .max_by_key(minor)?;
    Some(Candidate {
        path: newest.join("bin/python3"),
        from: "docassemble",
    })
}

/// The first file of that name on `PATH`.
fn on_path(name: &Path) -> Option<Candidate> {
    let folders = std::env::var_os("PATH")?;
    let path = std::env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())?;
    Some(Candidate { path, from: "PATH" })
}

/// Asks a Python for its version and its own name.
async fn ask(candidate: &Candidate) -> Result<Interpreter, InterpreterError> {
    const QUESTION: &str = "import sys; print(*sys.version_info[:3]); print(sys.executable)";
    let launch = Launch {
        program: candidate.path.clone(),
        // Without the site's modules: the answer is the same, and sooner there.
        args: ["-I", "-S", "-X", "utf8", "-c", QUESTION]
            .map(OsString::from)
            .into(),
        timeout: Some(PATIENCE),
        ..Launch::default()
    };
    let mut heard = Heard::up_to(LONGEST_BYTES);
    let (_nobody, mut order) = watch::channel(Order::GoOn);
    let exit = process::run(launch, &mut order, &mut heard).await?;
    let strange = || InterpreterError::Strange {
        path: candidate.path.clone(),
        ended: exit.words(),
    };
    if exit.code != Some(0) {
        return Err(strange());
    }
    let (version, program) = understand(&heard.bytes).ok_or_else(strange)?;
    let numbers: Vec<u32> = version.split('.').flat_map(str::parse).collect();
    match numbers[..] {
        [major, minor, _] if (major, minor) >= OLDEST => Ok(Interpreter {
            program,
            version,
            from: candidate.from,
        }),
        [_, _, _] => Err(InterpreterError::Old {
            path: candidate.path.clone(),
            version,
        }),
        _ => Err(strange()),
    }
}

/// The version and the path in a Python's answer.
fn understand(answer: &[u8]) -> Option<(String, PathBuf)> {
    let answer = answer.strip_suffix(b"\n")?;
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let version = std::str::from_utf8(&answer[..end]).ok()?.replace(' ', ".");
    let program = PathBuf::from(OsString::from_vec(answer[end + 1..].to_vec()));
    program.is_absolute().then_some((version, program))
}
