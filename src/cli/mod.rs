//! The command line: arguments in, text and an exit code out.

pub mod arguments;
pub mod load;
pub mod next;
pub mod output;
pub mod select;
pub mod time;

use std::process::ExitCode;

pub use arguments::Arguments;

/// How the program ends, in the contract's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// All went well.
    Done,
    /// The config is invalid, or the job failed.
    Failed,
    /// Wrong usage, an unreadable file, an unknown job.
    Unusable,
    /// The job ran into its timeout.
    Timeout,
    /// A signal asked to stop.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Unusable => 2,
            Self::Timeout => 124,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
