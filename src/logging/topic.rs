//! What a line is about, in one word for programs.

/// The values of `event` in a line for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Topic {
    /// `watch` has begun.
    Started,
    /// `watch` cannot begin.
    StartRefused,
    /// Another config holds.
    Reloaded,
    /// A changed config cannot be used.
    ReloadRefused,
    /// Something is wrong with the config.
    ConfigFault,
    /// The system has another time zone.
    ZoneChanged,
    /// Changes of files cannot be seen at once.
    WatchBlind,
    /// No new fires: it waits for what runs.
    Stopping,
    /// What still runs is ended.
    Ending,
    /// It has ended.
    Stopped,
    /// systemd is not told.
    NotifyFailed,
    /// `scheduler.log` cannot be written, or can be again.
    LogFailed,
    /// Anything else.
    #[default]
    Log,
    /// When a job runs next.
    JobPlanned,
    /// A run begins.
    RunStarted,
    /// A run begins late.
    RunLate,
    /// A run is over.
    RunFinished,
    /// A run was going on when the program before this one died.
    RunInterrupted,
    /// A fire does not run: too many runs of its job are going on.
    RunSkipped,
    /// Late fires that a later one stands for.
    RunCoalesced,
    /// Fires that came too late.
    RunMissed,
    /// A run does not begin: its fire time has a record.
    RunRepeated,
    /// A retry that waited when the program before this one ended is made after all.
    RetryResumed,
    /// Such a retry is not made any more.
    RetryGivenUp,
    /// What was missed while nothing watched.
    DowntimeMissed,
    /// What a task logged.
    TaskLog,
    /// A line of a task's output.
    Output,
    /// Output that nobody read in time, or for which there was no room.
    OutputDropped,
    /// The state of the records' file has changed.
    Store,
    /// The records cannot be read or written.
    StoreFailed,
    /// `status --check` gets no answer.
    PulseFailed,
    /// A mail is delivered.
    MailSent,
    /// The server takes no mail.
    MailFailed,
    /// The server takes mail again.
    MailWorks,
    /// The server takes one mail later.
    MailPutOff,
    /// The server refuses one mail for good.
    MailRefused,
    /// A mail waited too long.
    MailGivenUp,
    /// A mail is lost.
    MailLost,
    /// Mails are kept in memory alone.
    MailUnwritten,
    /// The config's words about mail cannot be used.
    MailUnusable,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 40] = [
        Self::Started,
        Self::StartRefused,
        Self::Reloaded,
        Self::ReloadRefused,
        Self::ConfigFault,
        Self::ZoneChanged,
        Self::WatchBlind,
        Self::Stopping,
        Self::Ending,
        Self::Stopped,
        Self::NotifyFailed,
        Self::LogFailed,
        Self::Log,
        Self::JobPlanned,
        Self::RunStarted,
        Self::RunLate,
        Self::RunFinished,
        Self::RunInterrupted,
        Self::RunSkipped,
        Self::RunCoalesced,
        Self::RunMissed,
        Self::RunRepeated,
        Self::RetryResumed,
        Self::RetryGivenUp,
        Self::DowntimeMissed,
        Self::TaskLog,
        Self::Output,
        Self::OutputDropped,
        Self::Store,
        Self::StoreFailed,
        Self::PulseFailed,
        Self::MailSent,
        Self::MailFailed,
        Self::MailWorks,
        Self::MailPutOff,
        Self::MailRefused,
        Self::MailGivenUp,
        Self::MailLost,
        Self::MailUnwritten,
        Self::MailUnusable,
    ];

    /// The word: the name with underscores.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::StartRefused => "start_refused",
            Self::Reloaded => "reloaded",
            Self::ReloadRefused => "reload_refused",
            Self::ConfigFault => "config_fault",
            Self::ZoneChanged => "zone_changed",
            Self::WatchBlind => "watch_blind",
            Self::Stopping => "stopping",
            Self::Ending => "ending",
            Self::Stopped => "stopped",
            Self::NotifyFailed => "notify_failed",
            Self::LogFailed => "log_failed",
            Self::Log => "log",
            Self::JobPlanned => "job_planned",
            Self::RunStarted => "run_started",
            Self::RunLate => "run_late",
            Self::RunFinished => "run_finished",
            Self::RunInterrupted => "run_interrupted",
            Self::RunSkipped => "run_skipped",
            Self::RunCoalesced => "run_coalesced",
            Self::RunMissed => "run_missed",
            Self::RunRepeated => "run_repeated",
            Self::RetryResumed => "retry_resumed",
            Self::RetryGivenUp => "retry_given_up",
            Self::DowntimeMissed => "downtime_missed",
            Self::TaskLog => "task_log",
            Self::Output => "output",
            Self::OutputDropped => "output_dropped",
            Self::Store => "store",
            Self::StoreFailed => "store_failed",
            Self::PulseFailed => "pulse_failed",
            Self::MailSent => "mail_sent",
            Self::MailFailed => "mail_failed",
            Self::MailWorks => "mail_works",
            Self::MailPutOff => "mail_put_off",
            Self::MailRefused => "mail_refused",
            Self::MailGivenUp => "mail_given_up",
            Self::MailLost => "mail_lost",
            Self::MailUnwritten => "mail_unwritten",
            Self::MailUnusable => "mail_unusable",
        }
    }

    /// The topic of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.word() == word)
    }
}
