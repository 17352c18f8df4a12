//! "Did you mean …?": names that are near to a wrong one.

/// The names of `candidates` that are near to `word`, nearest first, at most three.
///
/// Near is a distance of at most a third of the word's length (transposed letters count once),
/// whatever the case.
#[must_use]
pub fn near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let lower = word.to_lowercase();
    let allowed = (lower.chars().count() / 3).max(1);
    let mut found: Vec<(usize, f64, &str)> = candidates
        .into_iter()
        .filter(|name| name.len().abs_diff(lower.len()) <= 4 * allowed)
        .map(|name| (name, name.to_lowercase()))
        .map(|(name, other)| {
            (
                strsim::osa_distance(&lower, &other),
                strsim::jaro_winkler(&lower, &other),
                name,
            )
        })
        .filter(|(distance, _, name)| *distance <= allowed && *distance < name.chars().count())
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0).then(other.1.total_cmp(&one.1)));
    let mut names: Vec<&str> = found.into_iter().map(|(_, _, name)| name).collect();
    names.dedup();
    names.truncate(3);
    names
}

/// The help line for near names, a question; `None` where there are none.
#[must_use]
pub fn did_you_mean<S: AsRef<str>>(names: &[S]) -> Option<String> {
    let quoted: Vec<String> = names
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    let (last, others) = quoted.split_last()?;
    Some(if others.is_empty() {
        format!("did you mean {last}?")
    } else {
        format!("did you mean {} or {last}?", others.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_the_nearest_first() {
        let keys = ["minute", "minutes", "hours", "month"];
        assert_eq!(near("minuts", keys), ["minutes", "minute"]);
        assert_eq!(near("MINUTES", keys), ["minutes", "minute"]);
        assert_eq!(near("mnoth", keys), ["month"]);
        assert!(near("colour", keys).is_empty());
        assert!(near("", keys).is_empty());
    }

    #[test]
    fn the_help_lists_at_most_three_names() {
        assert_eq!(did_you_mean::<&str>(&[]), None);
        assert_eq!(
            did_you_mean(&["cron"]).as_deref(),
            Some("did you mean `cron`?")
        );
        let three = did_you_mean(&["a", "b", "c"]);
        assert_eq!(three.as_deref(), Some("did you mean `a`, `b` or `c`?"));
    }
}
