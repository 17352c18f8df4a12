//! Time zones: wall-clock readings, gaps and folds. The only place that knows the zone database.

mod names;
mod spans;

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{LazyLock, Mutex, PoisonError};

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeZone, Utc};
use chrono_tz::{OffsetName, Tz};

pub(super) use spans::Span;
use spans::Spans;

use super::Fault;

/// A time zone of the IANA database.
#[derive(Clone)]
pub struct Zone {
    tz: Tz,
    spans: &'static Spans,
}

/// A change of the clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The first instant with the new offset.
    pub at: DateTime<Utc>,
    /// The offset before it.
    pub before: FixedOffset,
    /// The offset from then on.
    pub after: FixedOffset,
}

/// The tables of the zones that were asked for: a config has few, and each is built once.
static TABLES: LazyLock<Mutex<HashMap<Tz, &'static Spans>>> = LazyLock::new(Mutex::default);

impl Zone {
    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self::of(Tz::UTC)
    }

    /// The zone of that IANA name, such as `America/New_York`.
    ///
    /// # Errors
    /// Where no zone has that name; the fault names near ones, also in the wrong case.
    pub fn named(name: &str) -> Result<Self, Fault> {
        let tz = name.parse().map_err(|_| names::unknown(name))?;
        Ok(Self::of(tz))
    }

    fn of(tz: Tz) -> Self {
        let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
        let spans = tables
            .entry(tz)
            .or_insert_with(|| Box::leak(Box::new(Spans::of(tz))));
        Self { tz, spans }
    }

    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.tz.name()
    }

    /// The wall-clock reading at `at`, with the offset in force.
    #[must_use]
    pub fn local(&self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
        at.with_timezone(&offset(self.spans.since(at.timestamp())[0]))
    }

    /// What people call the zone at `at`, such as `EST`, or `+03` where it has no such name.
    #[must_use]
    pub fn abbreviation(&self, at: DateTime<Utc>) -> String {
        let offset = self.tz.offset_from_utc_datetime(&at.naive_utc());
        if let Some(name) = offset.abbreviation() {
            return name.to_owned();
        }
        let number = self.local(at).offset().to_string().replace(':', "");
        number.strip_suffix("00").unwrap_or(&number).to_owned()
    }

    /// When the wall clock first reads `reading`: in a fold the first pass, in a gap the first
    /// instant after it. `None` beyond the calendar.
    #[must_use]
    pub fn instant(&self, reading: NaiveDateTime) -> Option<DateTime<Utc>> {
        let reading = reading.and_utc();
        let at = self.first_reached(reading.timestamp());
        // What is left of the second of a skipped reading does not pass any more.
        let skipped = self.reached(at) > reading.timestamp();
        let nanoseconds = if skipped {
            0
        } else {
            reading.timestamp_subsec_nanos()
        };
        DateTime::from_timestamp(at, nanoseconds)
    }

    /// The last change of the clocks after `from` and up to `to`.
    #[must_use]
    pub fn last_change(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<Change> {
        let last = self.spans.since(to.timestamp())[0];
        let at = DateTime::from_timestamp(last.start, 0).filter(|at| *at > from)?;
        let before = self.spans.since(last.start - 1)[0];
        Some(Change {
            at,
            before: offset(before),
            after: offset(last),
        })
    }

    /// The span of constant offset in which `at` lies, and all after it.
    pub(super) fn spans_since(&self, at: i64) -> &'static [Span] {
        self.spans.since(at)
    }

    /// The greatest reading that the clock reached or skipped up to and at `at`.
    pub(super) fn reached(&self, at: i64) -> i64 {
        self.spans.reached(at)
    }

    /// The first instant at which the clock reaches or passes `reading`.
    pub(super) fn first_reached(&self, reading: i64) -> i64 {
        self.spans.first_reached(reading)
    }
}

fn offset(span: Span) -> FixedOffset {
    i32::try_from(span.offset_s)
        .ok()
        .and_then(FixedOffset::east_opt)
        .expect("the database's offsets are less than a day")
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.tz == other.tz
    }
}

impl Eq for Zone {}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.tz.hash(state);
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn zone(name: &str) -> Zone {
        Zone::named(name).unwrap()
    }

    #[test]
    fn a_zone_is_called_as_in_the_database() {
        for name in ["UTC", "EST5EDT", "Etc/GMT+5", "America/New_York", "GB"] {
            assert_eq!(zone(name).name(), name);
        }
        assert_eq!(Zone::utc(), zone("UTC"));
        assert_ne!(Zone::utc(), zone("Etc/UTC"));
    }

    #[test]
    fn an_unknown_name_is_told_near_ones() {
        let near = [
            ("America/NewYork", "did you mean `America/New_York`?"),
            ("America/New York", "did you mean `America/New_York`?"),
            ("america/new_york", "did you mean `America/New_York`?"),
            ("New York", "did you mean `America/New_York`?"),
            ("Europe/Berln", "did you mean `Europe/Berlin`?"),
            ("berlin", "did you mean `Europe/Berlin`?"),
            ("CEST", "did you mean `Europe/Berlin`?"),
            ("utc", "did you mean `UTC`?"),
            ("Etc/gmt-2", "did you mean `Etc/GMT-2`?"),
        ];
        for (name, help) in near {
            let fault = Zone::named(name).unwrap_err();
            assert_eq!(fault.message, format!("no time zone is called `{name}`"));
            assert_eq!(fault.help, [help], "{name}");
        }
        for name in ["Mars/Olympus", "GMT+2:00", &"x".repeat(1_000_000)] {
            assert!(
                Zone::named(name).unwrap_err().help[0].contains("IANA"),
                "{name}"
            );
        }
        let message = "a time zone must have a name";
        assert_eq!(Zone::named("").unwrap_err().message, message);
        assert_eq!(Zone::named("  ").unwrap_err().message, message);
    }

    #[test]
    fn a_reading_has_the_offset_and_the_name_in_force() {
        let new_york = zone("America/New_York");
        let winter = at("2026-12-24T23:00:00Z");
        assert_eq!(
            new_york.local(winter).to_rfc3339(),
            "2026-12-24T18:00:00-05:00"
        );
        assert_eq!(new_york.abbreviation(winter), "EST");
        assert_eq!(new_york.abbreviation(at("2026-07-01T00:00:00Z")), "EDT");
        assert_eq!(zone("Europe/Istanbul").abbreviation(winter), "+03");
        assert_eq!(zone("Asia/Kathmandu").abbreviation(winter), "+0545");
        assert_eq!(zone("Antarctica/Troll").abbreviation(winter), "+00");
        for moment in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert_eq!(Zone::utc().local(moment).to_utc(), moment);
        }
    }

    #[test]
    fn an_instant_is_the_first_that_reads_so() {
        let berlin = zone("Europe/Berlin");
        let first = |reading: &str| berlin.instant(reading.parse().unwrap()).unwrap();
        assert_eq!(first("2024-10-27T02:30:00"), at("2024-10-27T00:30:00Z"));
        assert_eq!(first("2024-10-27T02:59:59.5"), at("2024-10-27T00:59:59.5Z"));
        assert_eq!(first("2024-03-31T02:30:00.5"), at("2024-03-31T01:00:00Z"));
        assert_eq!(first("2024-03-31T03:00:00.5"), at("2024-03-31T01:00:00.5Z"));
        assert_eq!(
            zone("Pacific/Apia").instant("2011-12-30T12:00:00".parse().unwrap()),
            Some(at("2011-12-31T00:00:00+14:00"))
        );
        assert_eq!(zone("Etc/GMT+5").instant(NaiveDateTime::MAX), None);
    }

    #[test]
    fn the_last_change_is_told_with_its_offsets() {
        let new_york = zone("America/New_York");
        let (from, to) = (
            at("2027-03-01T00:01:00-05:00"),
            at("2027-04-01T00:01:00-04:00"),
        );
        let change = new_york.last_change(from, to).unwrap();
        assert_eq!(change.at, at("2027-03-14T07:00:00Z"));
        assert_eq!(change.before.local_minus_utc(), -18_000);
        assert_eq!(change.after.local_minus_utc(), -14_400);
        // After `from` and up to `to`.
        assert_eq!(new_york.last_change(from, change.at), Some(change));
        assert_eq!(new_york.last_change(change.at, to), None);
        assert_eq!(Zone::utc().last_change(DateTime::<Utc>::MIN_UTC, to), None);
    }
}
