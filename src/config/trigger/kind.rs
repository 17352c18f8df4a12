//! Which kind of trigger it is, and which keys that kind has.

use crate::config::reader::Reader;
use crate::config::section::Section;
use crate::config::{key, scalar};
use crate::diagnostic::{Code, Diagnostic, Span, did_you_mean, near};

/// The kinds of triggers that a job can name as its `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Kind {
    Interval,
    Cron,
    Date,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Interval, Self::Cron, Self::Date];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Interval => "interval",
            Self::Cron => "cron",
            Self::Date => "date",
        }
    }

    /// With its article, for a message.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Interval => "an interval",
            Self::Cron => "a cron trigger",
            Self::Date => "a date trigger",
        }
    }

    pub(super) fn own_keys(self) -> &'static [&'static str] {
        match self {
            Self::Interval => key::INTERVAL,
            Self::Cron => key::CRON,
            Self::Date => key::DATE,
        }
    }

    /// Every key that a trigger of this kind can have.
    pub(in crate::config) fn keys(self) -> Vec<&'static str> {
        let bounds = match self {
            Self::Interval | Self::Cron => key::BOUNDS,
            Self::Date => &["timezone", "jitter"],
        };
        [&["type"], self.own_keys(), bounds].concat()
    }
}

/// The kind, from `type` or, where that is missing, from the keys that only one kind has.
pub(super) fn read(
    reader: &mut Reader<'_>,
    keys: &mut Section<'_>,
    place: Span,
) -> Option<(Kind, Span)> {
    let Some(item) = keys.take("type") else {
        let guess = guess(keys);
        let mut diagnostic = Diagnostic::error(Code::MissingKey, "`type` is missing").at(place);
        diagnostic.help.push(match guess {
            Some(kind) => format!("write `type: {}`", kind.word()),
            None => "write `type: interval`, `type: cron` or `type: date`".to_owned(),
        });
        reader.report(diagnostic);
        return guess.map(|kind| (kind, place));
    };
    let span = item.value.span;
    let Some(word) = item.value.as_str() else {
        let message = format!(
            "`type` must be interval, cron or date{}",
            scalar::but_this_is(item.value)
        );
        reader.bad_value(span, message, None);
        return guess(keys).map(|kind| (kind, span));
    };
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word() == word) {
        return Some((kind, span));
    }
    let near = near(word, Kind::ALL.map(Kind::word));
    let read_as = match near[..] {
        [only] => Kind::ALL.into_iter().find(|kind| kind.word() == only),
        _ => None,
    };
    let mut diagnostic =
        Diagnostic::error(Code::BadValue, format!("unknown trigger type `{word}`")).at(span);
    if let Some(kind) = read_as {
        diagnostic =
            diagnostic.with_note(format!("read as `{}` for the checks below", kind.word()));
    }
    diagnostic.help.push(match did_you_mean(&near) {
        Some(help) => format!("{help} (interval, cron, date)"),
        None => "it is one of interval, cron, date".to_owned(),
    });
    reader.report(diagnostic);
    read_as.map(|kind| (kind, span))
}

/// The only kind that has one of the keys that are there.
fn guess(keys: &Section<'_>) -> Option<Kind> {
    let has = |kind: &Kind| kind.own_keys().iter().any(|name| keys.get(name).is_some());
    let mut kinds = Kind::ALL.into_iter().filter(has);
    kinds.next().filter(|_| kinds.next().is_none())
}
