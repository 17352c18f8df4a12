//! Where secrets stand in a text, by its looks: it may be no YAML, and must not be shown either.

use std::ops::Range;

use super::is_secret_key;

/// How much of a key is looked at, in bytes from its end.
const LONGEST_KEY: usize = 256;

/// Where the secrets of a line of YAML are: the values of its secret keys, and the passwords of
/// its URLs, from left to right.
///
/// Read by its looks, not by YAML's rules, so that it works on a file that is not YAML either.
#[must_use]
pub fn of_line(line: &str) -> Vec<Range<usize>> {
    of_line_by(line, &mut is_secret_key)
}

/// The same, where `is_secret` tells which keys are.
pub(super) fn of_line_by<'l>(
    line: &'l str,
    is_secret: &mut impl FnMut(&'l str) -> bool,
) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    let mut braces = Braces::default();
    while let Some(colon) = line[from..].find(':').map(|at| from + at) {
        from = colon + 1;
        let value = is_secret_at(line, colon, is_secret).then(|| {
            let is_inside = braces.are_open_at(line, from);
            trimmed(line, from..end_of_value(line, from, is_inside))
        });
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            from = value.end;
            found.push(value);
        } else if let Some(place) = of_url_at(line, colon) {
            from = place.end;
            found.push(place);
        }
    }
    if found.is_empty() {
        found.extend(of_slip(line, is_secret));
    }
    found
}

/// Where the secret of a line is that was meant to be `key: value`: after a colon without a space,
/// or after `=`.
fn of_slip<'l>(line: &'l str, is_secret: &mut impl FnMut(&'l str) -> bool) -> Option<Range<usize>> {
    let sign = line.find([':', '='])?;
    let is_colon = line[sign..].starts_with(':');
    if is_colon && line[sign + 1..].starts_with(char::is_whitespace) {
        return None;
    }
    let key = key_before(&line[..sign]);
    let value = trimmed(line, sign + 1..line.len());
    let is_slip = !value.is_empty() && !key.contains('.') && is_secret(key);
    is_slip.then_some(value)
}

/// What follows a secret key on a line without any colon; it may be the value, or prose.
#[must_use]
pub fn of_line_without_colon(line: &str) -> Option<Range<usize>> {
    let mut blanks = line.match_indices(char::is_whitespace).map(|(at, _)| at);
    let is_key = |at: &usize| is_secret_key(key_before(&line[..*at]));
    let key = (!line.contains(':')).then(|| blanks.find(is_key))??;
    Some(trimmed(line, key..line.len()))
}

/// Whether the colon there ends a secret key.
fn is_secret_at<'l>(
    line: &'l str,
    colon: usize,
    is_secret: &mut impl FnMut(&'l str) -> bool,
) -> bool {
    let after = &line[colon + 1..];
    if !after.starts_with([' ', '\t', '"', '\'']) {
        return false;
    }
    let key = key_before(&line[..colon]);
    is_secret(key) && !is_job(key, after.trim_start())
}

/// Whether a value within braces is a job: `token.refresh: {…}` names a function, and `renew token:
/// {type: cron, …}` is one by what is in it.
fn is_job(key: &str, value: &str) -> bool {
    const KEYS: [&str; 5] = [
        "type: interval",
        "type: cron",
        "type: date",
        "triggers:",
        "command:",
    ];
    // So that many braces within braces are not looked through again and again.
    const LOOKED_AT: usize = 1_000;
    if !value.starts_with('{') {
        return false;
    }
    let near: String = value.chars().take(LOOKED_AT).collect();
    let inner = near[1..end_of_value(&near, 1, true)].replace(['"', '\''], "");
    key.contains('.') || KEYS.iter().any(|key| inner.contains(key))
}

/// How many braces are open in a line that is gone through once.
#[derive(Default)]
struct Braces {
    at: usize,
    opened: usize,
    closed: usize,
}

impl Braces {
    /// Whether some are open at `at`, which is not before where that was asked last.
    fn are_open_at(&mut self, line: &str, at: usize) -> bool {
        for byte in &line.as_bytes()[self.at..at] {
            match byte {
                b'{' | b'[' => self.opened += 1,
                b'}' | b']' => self.closed += 1,
                _ => {}
            }
        }
        self.at = at;
        self.opened > self.closed
    }
}

/// Where the value that follows at `start` ends: in braces at the comma or the brace after it, else
/// at the line's end.
fn end_of_value(line: &str, start: usize, is_in_braces: bool) -> usize {
    if !is_in_braces {
        return line.len();
    }
    let (mut depth, mut quote, mut is_new, mut is_escaped) = (0_usize, None, true, false);
    for (at, c) in line[start..].char_indices() {
        match (quote, c) {
            _ if is_escaped => is_escaped = false,
            (Some('"'), '\\') => is_escaped = true,
            (Some(opened), c) if opened == c => quote = None,
            (None, '"' | '\'') if is_new => quote = Some(c),
            (None, ',' | '}' | ']') if depth == 0 => return start + at,
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => depth -= 1,
            (Some(_) | None, _) => {}
        }
        // A quote within a word is a letter.
        is_new = (c.is_whitespace() && is_new) || matches!(c, '{' | '[' | ',' | ':');
    }
    line.len()
}

/// The password of the URL whose `://` begins at `colon`.
fn of_url_at(line: &str, colon: usize) -> Option<Range<usize>> {
    let password = line[colon..]
        .starts_with("://")
        .then(|| of_url(&line[colon..]))??;
    Some(colon + password.start..colon + password.end)
}

/// Whether a line of YAML is a secret key whose value stands on the lines below it.
#[must_use]
pub fn opens(line: &str) -> bool {
    if let Some(key) = line.trim().strip_prefix("? ") {
        return is_secret_key(key);
    }
    let Some((key, value)) = line.split_once(':') else {
        return false;
    };
    let key = key_before(key);
    let is_below = value.trim().is_empty() || value.trim_start().starts_with(['|', '>', '#']);
    // `token.refresh:` is a job.
    is_below && !key.contains('.') && is_secret_key(key)
}

/// Whether a line of YAML is an entry of a mapping, its key where that has a line of its own, or a
/// comment.
#[must_use]
pub fn is_entry(line: &str) -> bool {
    let line = line.trim();
    // The value below a key `? password`.
    if line.starts_with(": ") {
        return false;
    }
    line.starts_with(['#', '?']) || line.ends_with(':') || line.contains(": ")
}

/// How many columns of white space a line begins with.
#[must_use]
pub fn indentation(line: &str) -> usize {
    let blank = &line[..line.len() - line.trim_start().len()];
    blank.chars().fold(0, |column, c| match c {
        '\t' => column / 8 * 8 + 8,
        _ => column + 1,
    })
}

/// The part of `text` in which the password of a URL stands, such as `pw` of
/// `redis://user:pw@host`.
pub(super) fn of_url(text: &str) -> Option<Range<usize>> {
    let authority = text.find("://")? + 3;
    let end = text[authority..]
        .find(|c: char| c == '/' || c.is_whitespace())
        .map_or(text.len(), |at| authority + at);
    let at = authority + text[authority..end].rfind('@')?;
    let colon = authority + text[authority..at].find(':')?;
    (colon + 1 < at).then_some(colon + 1..at)
}

/// The parts of `text` in which passwords of URLs stand, from left to right.
pub(super) fn of_urls(text: &str) -> impl Iterator<Item = Range<usize>> {
    let schemes = text.match_indices("://");
    schemes.filter_map(move |(colon, _)| of_url_at(text, colon))
}

/// The text of the key that ends there, without its quotes.
fn key_before(text: &str) -> &str {
    let least = text.len().saturating_sub(LONGEST_KEY);
    let from = (least..text.len()).find(|at| text.is_char_boundary(*at));
    let text = from.map_or("", |from| &text[from..]);
    let start = text.rfind(['{', ',']).map_or(0, |at| at + 1);
    let key = text[start..].trim();
    let key = key.strip_prefix("- ").unwrap_or(key).trim();
    key.trim_matches(['"', '\''])
}

/// The value without its quotes, or up to its comment where it is plain.
pub(super) fn unquoted(value: &str) -> &str {
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let inner = &value[1..];
            inner.rfind(quote).map_or(inner, |end| &inner[..end])
        }
        _ => value.split(" #").next().unwrap_or(value).trim_end(),
    }
}

/// The range without the white space at its ends.
fn trimmed(line: &str, range: Range<usize>) -> Range<usize> {
    let text = &line[range.clone()];
    let start = range.start + text.len() - text.trim_start().len();
    start..start + text.trim().len()
}
