//! Old logs: one for each day that ended, the last seven of them kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

/// How many old logs are kept.
const KEPT: usize = 7;

/// Renames the log at `path` after `day`, its last one, and forgets the oldest.
///
/// An old log is never replaced.
///
/// # Errors
/// Where there is a log of that day already (the clock was set back), or the system says no. Then
/// the log stays where it is.
pub(super) fn keep(path: &Path, day: NaiveDate) -> io::Result<()> {
    rename(path, &named(path, day))?;
    forget(path);
    Ok(())
}

/// The name of the old log of `day`: `scheduler.log.2023-05-14`.
fn named(path: &Path, day: NaiveDate) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(day.format(".%Y-%m-%d").to_string());
    name.into()
}

/// Renames, but never replaces: another process may be about to do the same.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Some file systems have no hard links.
        Err(_) if to.symlink_metadata().is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}

/// Removes all old logs but the latest. Where one cannot be removed, it stays.
fn forget(path: &Path) {
    let mut days = days(path);
    days.sort_unstable();
    let surplus = days.len().saturating_sub(KEPT);
    for day in &days[..surplus] {
        let _ = fs::remove_file(named(path, *day));
    }
}

/// The days of which there are old logs.
fn days(path: &Path) -> Vec<NaiveDate> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_file = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    let paths = entries.filter(is_file).map(|entry| entry.path());
    paths.filter_map(|old| day_of(path, &old)).collect()
}

/// The day of an old log, by its name; `None` for any other file.
fn day_of(path: &Path, old: &Path) -> Option<NaiveDate> {
    let (_, day) = old.file_name()?.to_str()?.rsplit_once('.')?;
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
    (named(path, day).file_name() == old.file_name()).then_some(day)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;
    use std::sync::{Arc, Mutex};

    use chrono::{DateTime, Utc};

    use super::super::file::LogFile;
    use super::*;

    /// A log in a folder of its own, at a time that the test sets.
    struct Bench {
        folder: tempfile::TempDir,
        now: Arc<Mutex<DateTime<Utc>>>,
        complaints: Arc<Mutex<Vec<String>>>,
        log: LogFile,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let now = Arc::new(Mutex::new(DateTime::UNIX_EPOCH));
            let complaints = Arc::default();
            let log = log_at(folder.path(), &now, &complaints);
            Self {
                folder,
                now,
                complaints,
                log,
            }
        }

        /// Ends the program and begins it again.
        fn restart(&mut self) {
            let path = self.folder.path().join("scheduler.log");
            let file = fs::File::options().append(true).open(path).unwrap();
            file.set_modified((*self.now.lock().unwrap()).into())
                .unwrap();
            self.log = log_at(self.folder.path(), &self.now, &self.complaints);
        }

        /// Writes a line at that time.
        fn write(&mut self, at: &str, line: &str) {
            *self.now.lock().unwrap() = at.parse().unwrap();
            self.log.write_all(format!("{line}\n").as_bytes()).unwrap();
            self.log.flush().unwrap();
        }

        /// Every file with its lines.
        fn files(&self) -> Vec<(String, String)> {
            let entries = fs::read_dir(self.folder.path()).unwrap().flatten();
            let mut files: Vec<_> = entries
                .map(|entry| {
                    let text = fs::read_to_string(entry.path()).unwrap_or_default();
                    (
                        entry.file_name().into_string().unwrap(),
                        text.replace('\n', " ").trim().to_owned(),
                    )
                })
                .collect();
            files.sort();
            files
        }
    }

    fn log_at(
        folder: &Path,
        now: &Arc<Mutex<DateTime<Utc>>>,
        complaints: &Arc<Mutex<Vec<String>>>,
    ) -> LogFile {
        let (now, complaints) = (Arc::clone(now), Arc::clone(complaints));
        let path = folder.join("scheduler.log");
        LogFile::new(
            Box::new(move || path.clone()),
            Box::new(move |at| at.unwrap_or(*now.lock().unwrap()).date_naive()),
            Box::new(move |text| complaints.lock().unwrap().push(text.to_owned())),
        )
    }

    fn files(list: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        list.iter().map(owned).collect()
    }

    #[test]
    fn the_first_line_of_a_day_begins_another_file() {
        let mut bench = Bench::new();
        bench.write("2026-11-23T23:59:59Z", "a");
        bench.write("2026-11-24T00:00:00Z", "b");
        bench.write("2026-11-24T12:00:00Z", "c");
        let expected = [("scheduler.log", "b c"), ("scheduler.log.2026-11-23", "a")];
        assert_eq!(bench.files(), files(&expected));
    }

    #[test]
    fn after_a_restart_the_time_of_the_file_tells_its_day() {
        let mut bench = Bench::new();
        bench.write("2026-11-20T10:00:00Z", "a");
        bench.restart();
        bench.write("2026-11-20T11:00:00Z", "b");
        bench.restart();
        bench.write("2026-11-24T11:00:00Z", "c");
        let expected = [("scheduler.log", "c"), ("scheduler.log.2026-11-20", "a b")];
        assert_eq!(bench.files(), files(&expected));
    }

    #[test]
    fn seven_old_files_are_kept_and_others_left_alone() {
        let mut bench = Bench::new();
        for other in ["scheduler.log.1", "scheduler.log.2020-1-1", "x.2020-01-01"] {
            fs::write(bench.folder.path().join(other), "mine").unwrap();
        }
        for day in 10..=24 {
            bench.write(&format!("2026-11-{day}T10:00:00Z"), &day.to_string());
        }
        let old: Vec<String> = bench.files().into_iter().map(|(_, text)| text).collect();
        let kept = [
            "24", "mine", "17", "18", "19", "20", "21", "22", "23", "mine", "mine",
        ];
        let mut expected = kept.map(str::to_owned).to_vec();
        expected.sort();
        let mut old = old;
        old.sort();
        assert_eq!(old, expected);
    }

    #[test]
    fn nothing_is_lost_when_the_clock_is_set_back() {
        let mut bench = Bench::new();
        bench.write("2026-11-23T10:00:00Z", "a");
        bench.write("2026-11-24T10:00:00Z", "b");
        bench.write("2026-11-23T11:00:00Z", "c");
        bench.write("2026-11-24T11:00:00Z", "d");
        let expected = [
            ("scheduler.log", "b c d"),
            ("scheduler.log.2026-11-23", "a"),
        ];
        assert_eq!(bench.files(), files(&expected));
        assert_eq!(bench.complaints.lock().unwrap().len(), 1);
        bench.write("2026-11-25T10:00:00Z", "e");
        let expected = [
            ("scheduler.log", "e"),
            ("scheduler.log.2026-11-23", "a"),
            ("scheduler.log.2026-11-24", "b c d"),
        ];
        assert_eq!(bench.files(), files(&expected));
    }

    #[test]
    fn a_clock_that_was_years_ahead_does_not_stop_it() {
        let mut bench = Bench::new();
        bench.write("2036-01-01T10:00:00Z", "a");
        bench.write("2026-11-23T10:00:00Z", "b");
        bench.write("2026-11-24T10:00:00Z", "c");
        let expected = [("scheduler.log", "c"), ("scheduler.log.2026-11-23", "a b")];
        assert_eq!(bench.files(), files(&expected));
    }

    #[test]
    fn two_processes_keep_each_line_of_both() {
        let mut bench = Bench::new();
        let mut other = log_at(bench.folder.path(), &bench.now, &bench.complaints);
        bench.write("2026-11-23T10:00:00Z", "a");
        other.write_all(b"b\n").unwrap();
        other.flush().unwrap();
        bench.write("2026-11-24T10:00:00Z", "c");
        other.write_all(b"d\n").unwrap();
        other.flush().unwrap();
        let found = bench.files();
        let all: String = found.iter().flat_map(|(_, text)| text.chars()).collect();
        for line in ["a", "b", "c", "d"] {
            assert_eq!(all.matches(line).count(), 1, "{found:?}");
        }
    }

    #[test]
    fn a_symlink_in_place_of_an_old_log_is_neither_followed_nor_replaced() {
        let mut bench = Bench::new();
        let canary = bench.folder.path().join("canary");
        fs::write(&canary, "sings").unwrap();
        let planted = bench.folder.path().join("scheduler.log.2026-11-23");
        symlink(&canary, &planted).unwrap();
        bench.write("2026-11-23T10:00:00Z", "a");
        bench.write("2026-11-24T10:00:00Z", "b");
        assert_eq!(fs::read_to_string(&canary).unwrap(), "sings");
        assert_eq!(fs::read_link(&planted).unwrap(), canary);
        assert_eq!(bench.files()[1].1, "a b");
    }
}
