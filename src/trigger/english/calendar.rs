//! The days of the years in words.

use super::words::{counted, every_nth, joined, listed, month, weekday};

/// The days on which a cron trigger fires. `None` means any.
pub(super) struct Calendar {
    /// The years, ascending.
    pub(super) years: Option<Vec<u16>>,
    /// The months, ascending.
    pub(super) months: Option<Vec<u16>>,
    /// The days of the month.
    pub(super) days: Option<Days>,
    /// The ISO weeks, ascending.
    pub(super) weeks: Option<Vec<u16>>,
    /// The weekdays, ascending, Monday is 0.
    pub(super) weekdays: Option<Vec<u16>>,
    /// Whether it is enough that either the day or the weekday matches.
    pub(super) either: bool,
}

/// Days of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Days {
    /// By number, ascending.
    pub(super) numbers: Vec<u16>,
    /// The others in words, such as `the 3rd Friday` and `the last day`.
    pub(super) others: Vec<String>,
}

impl Calendar {
    /// The days in words, such as `on day 1 of every month`; `None` for every day.
    pub(super) fn english(&self) -> Option<String> {
        let mut parts = Vec::new();
        parts.extend(self.days_in_words());
        if let Some(weeks) = &self.weeks {
            parts.push(format!("in {}", counted("ISO week", weeks)));
        }
        if let Some(years) = &self.years {
            let every = every_nth("year", years);
            let years = every.unwrap_or_else(|| listed(years, |year| year.to_string(), "and"));
            parts.push(format!("in {years}"));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// Whether it says nothing of the day within a month, week or year.
    pub(super) fn is_any_day(&self) -> bool {
        self.days.is_none() && self.weekdays.is_none()
    }

    fn days_in_words(&self) -> Option<String> {
        let of = match &self.months {
            Some(months) => listed(months, month, "and"),
            None => "every month".to_owned(),
        };
        match (&self.days, &self.weekdays) {
            (None, None) => self.months.as_ref().map(|_| format!("in {of}")),
            (Some(days), None) => Some(format!("on {} of {of}", days.english())),
            (None, Some(weekdays)) => Some(self.in_months(every_weekday(weekdays))),
            (Some(days), Some(weekdays)) if self.either => {
                let weekdays = self.in_months(every_weekday(weekdays));
                Some(format!("on {} of {of} and {weekdays}", days.english()))
            }
            (Some(days), Some(weekdays)) => {
                let weekdays = listed(weekdays, weekday, "or");
                Some(format!(
                    "on {} of {of}, if that is {weekdays}",
                    days.english()
                ))
            }
        }
    }

    fn in_months(&self, text: String) -> String {
        match &self.months {
            Some(months) => format!("{text} in {}", listed(months, month, "and")),
            None => text,
        }
    }
}

impl Days {
    fn english(&self) -> String {
        let mut items = Vec::new();
        if !self.numbers.is_empty() {
            items.push(counted("day", &self.numbers));
        }
        items.extend(self.others.iter().cloned());
        joined(&items, "and")
    }
}

/// `from Monday to Friday`, `every Saturday and Sunday`
fn every_weekday(weekdays: &[u16]) -> String {
    let listed = listed(weekdays, weekday, "and");
    match weekdays {
        [first, .., last] if weekdays.len() > 2 && usize::from(last - first) < weekdays.len() => {
            format!("from {listed}")
        }
        _ => format!("every {listed}"),
    }
}
