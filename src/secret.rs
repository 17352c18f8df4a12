//! Passwords and tokens: which keys hold them, and how they are kept out of every output.
//!
//! A value is hidden by the name of its key, and wherever else it turns up by the value itself.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Range;

use foldhash::HashMap;

use crate::value::Value;

mod forms;
#[cfg(test)]
mod tests;

/// What is shown instead of a secret.
pub const MASK: &str = "********";

/// Values shorter than this, in bytes, are hidden by their key alone: they turn up by chance.
const SHORTEST: usize = 6;

/// How much of a key is looked at, in bytes from its end.
const LONGEST_KEY: usize = 256;

/// Secrets that must not be shown, wherever they turn up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Secrets {
    /// By their first bytes, so that a text is gone through once, however many there are; of those
    /// that begin alike the longest comes first.
    by_start: HashMap<[u8; SHORTEST], BTreeSet<Form>>,
}

/// A form of a secret; the longest comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Form(String);

/// Whether a key of that name holds a secret, such as `password`, `api key` or `SENTRY_DSN`.
#[must_use]
pub fn is_secret_key(key: &str) -> bool {
    // Also `passwd`, and `passwort` where somebody slips.
    const ANYWHERE: [&str; 6] = [
        "passw",
        "passphrase",
        "secret",
        "token",
        "credential",
        "authorization",
    ];
    const WORDS: [&str; 6] = ["dsn", "pwd", "keys", "bearer", "cookie", "cookies"];
    let key = key.to_ascii_lowercase();
    let mut words = key.split(|c: char| !c.is_ascii_alphanumeric());
    ANYWHERE.iter().any(|word| key.contains(word))
        || words
            .clone()
            .any(|word| WORDS.contains(&word) || word.ends_with("key"))
        // `auth` alone, not `auth type`.
        || words.next_back().is_some_and(|word| matches!(word, "pass" | "auth"))
}

/// Where the secrets of a line of YAML are: the values of its secret keys, and the passwords of
/// its URLs, from left to right.
///
/// Read by its looks, not by YAML's rules, so that it works on a file that is not YAML either.
#[must_use]
pub fn of_line(line: &str) -> Vec<Range<usize>> {
    of_line_by(line, &mut is_secret_key)
}

/// The same, where `is_secret` tells which keys are.
fn of_line_by<'l>(line: &'l str, is_secret: &mut impl FnMut(&'l str) -> bool) -> Vec<Range<usize>> {
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
fn of_url(text: &str) -> Option<Range<usize>> {
    let authority = text.find("://")? + 3;
    let end = text[authority..]
        .find(|c: char| c == '/' || c.is_whitespace())
        .map_or(text.len(), |at| authority + at);
    let at = authority + text[authority..end].rfind('@')?;
    let colon = authority + text[authority..at].find(':')?;
    (colon + 1 < at).then_some(colon + 1..at)
}

/// The parts of `text` in which passwords of URLs stand, from left to right.
fn of_urls(text: &str) -> impl Iterator<Item = Range<usize>> {
    let schemes = text.match_indices("://");
    schemes.filter_map(move |(colon, _)| of_url_at(text, colon))
}

/// How many keys of a text are remembered.
const MOST_KEYS: usize = 256;

impl Secrets {
    /// The secrets of a text in YAML, read by its looks line by line.
    #[must_use]
    pub fn of_yaml(text: &str) -> Self {
        let mut secrets = Self::default();
        let mut below = false;
        // Most jobs have the same keys, and each its own name.
        let mut keys: HashMap<&str, bool> = HashMap::default();
        let mut is_secret = |key| match keys.get(key) {
            Some(is_secret) => *is_secret,
            None if keys.len() == MOST_KEYS => is_secret_key(key),
            None => *keys.entry(key).or_insert_with(|| is_secret_key(key)),
        };
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if is_entry(line) {
                below = opens(line);
            } else if below {
                let value = line.trim().trim_start_matches(": ");
                secrets.add(unquoted(value.trim_start_matches("- ")));
            }
            for place in of_line_by(line, &mut is_secret) {
                let value = &line[place];
                secrets.add(unquoted(value));
                // The braces around it may stand on other lines.
                if let Some((first, _)) = value.split_once([',', '}', ']']) {
                    secrets.add(unquoted(first.trim()));
                }
            }
        }
        secrets
    }

    /// Hides what `others` hide, too.
    pub fn extend(&mut self, others: &Self) {
        let forms = others.by_start.values().flatten();
        forms.for_each(|Form(form)| self.insert(form.clone()));
    }

    /// Hides what a variable of a job's environment holds, where it is secret.
    pub fn add_variable(&mut self, key: &str, value: &str) {
        if is_secret_key(key) {
            self.add(value);
        }
        self.add_urls(value);
    }

    /// Hides a text that stands under a secret key: as a whole, and each of its lines.
    pub fn add(&mut self, secret: &str) {
        // The line break after it is none of it.
        let secret = secret.trim_matches(['\r', '\n']);
        self.add_forms(secret);
        if let Some((_, token)) = secret.split_once(' ').filter(|(word, _)| is_scheme(word)) {
            self.add_forms(token.trim());
        }
        if secret.contains('\n') {
            secret.lines().for_each(|line| self.add_forms(line.trim()));
        }
    }

    /// Hides a value that stands under a secret key, as Python prints it: each scalar in it.
    pub fn add_value(&mut self, value: &Value) {
        self.add_within(value, true);
    }

    /// Hides what the keys of a mapping, and of what is in it, call secret, and passwords of URLs.
    pub fn add_entries(&mut self, entries: &[(Value, Value)]) {
        for (key, value) in entries {
            let is_secret = matches!(key, Value::Str(name) if is_secret_key(name));
            self.add_within(value, is_secret);
        }
    }

    fn add_within(&mut self, value: &Value, is_secret: bool) {
        match value {
            Value::Map(entries) if is_secret => {
                for (_, item) in entries {
                    self.add_within(item, true);
                }
            }
            Value::Map(entries) => self.add_entries(entries),
            Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
                for item in items {
                    self.add_within(item, is_secret);
                }
            }
            Value::Str(text) if is_secret => self.add(text),
            Value::Str(text) => self.add_urls(text),
            Value::Bytes(bytes) if is_secret => self.add(&String::from_utf8_lossy(bytes)),
            scalar if is_secret => self.add(&scalar.str()),
            Value::None
            | Value::Bool(_)
            | Value::Int(_)
            | Value::BigInt(_)
            | Value::Float(_)
            | Value::Bytes(_)
            | Value::Date(_)
            | Value::DateTime(..) => {}
        }
    }

    /// Whether all is hidden that `others` hide.
    #[must_use]
    pub fn hold(&self, others: &Self) -> bool {
        others.by_start.iter().all(|(start, forms)| {
            let known = self.by_start.get(start);
            known.is_some_and(|known| forms.is_subset(known))
        })
    }

    /// Hides the passwords of the URLs in `text`.
    pub fn add_urls(&mut self, text: &str) {
        of_urls(text).for_each(|place| self.add(&text[place]));
    }

    /// The text with every secret in it replaced by [`MASK`], also where it stands in base64 or
    /// encoded for a URL.
    #[must_use]
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.mask_around(text, "")
    }

    /// The same, where `name` stays readable although a part of it is a secret.
    #[must_use]
    pub fn mask_around<'a>(&self, text: &'a str, name: &str) -> Cow<'a, str> {
        if self.by_start.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut gaps = gaps(text);
        let Some(mut gap) = gaps.next() else {
            return self.mask_whole(text, name);
        };
        let mut masked = self.mask_begun(&text[..gap.start], name).into_owned();
        for next in gaps {
            let piece = &text[gap.end..next.start];
            masked += &text[gap];
            masked += &self.mask_begun(&self.mask_torn(piece), name);
            gap = next;
        }
        let last = self.mask_torn(&text[gap.end..]);
        Cow::Owned(masked + &text[gap] + &self.mask_whole(&last, name))
    }

    /// The same for a text of which nothing is left out.
    fn mask_whole<'a>(&self, text: &'a str, name: &str) -> Cow<'a, str> {
        if name.is_empty() {
            return self.mask_where(text, |_| true);
        }
        let names = text.match_indices(name).map(|(at, _)| at..at + name.len());
        let names: Vec<_> = names.collect();
        self.mask_where(text, |found| {
            let next = names.partition_point(|name| name.end < found.end);
            names
                .get(next)
                .is_none_or(|name| found.len() >= name.len() || found.start < name.start)
        })
    }

    /// The value with every text in it masked, and with all that its keys' names call secret
    /// replaced by [`MASK`].
    ///
    /// The value of a secret key is hidden whole, also a list or a mapping; elsewhere the passwords
    /// of URLs are hidden too.
    #[must_use]
    pub fn mask_value(&self, value: &Value) -> Value {
        let all = |items: &[Value]| items.iter().map(|item| self.mask_value(item)).collect();
        match value {
            Value::Str(text) => Value::Str(self.mask_with_urls(text)),
            Value::List(items) => Value::List(all(items)),
            Value::Tuple(items) => Value::Tuple(all(items)),
            Value::Set(items) => Value::Set(all(items)),
            Value::Map(entries) => Value::Map(self.mask_entries(entries)),
            Value::None
            | Value::Bool(_)
            | Value::Int(_)
            | Value::BigInt(_)
            | Value::Float(_)
            | Value::Bytes(_)
            | Value::Date(_)
            | Value::DateTime(..) => value.clone(),
        }
    }

    /// The same for the entries of a mapping.
    #[must_use]
    pub fn mask_entries(&self, entries: &[(Value, Value)]) -> Vec<(Value, Value)> {
        let masked = |(key, value): &(Value, Value)| match key {
            Value::Str(name) if is_secret_key(name) && *value != Value::None => {
                (key.clone(), Value::Str(MASK.to_owned()))
            }
            _ => (self.mask_value(key), self.mask_value(value)),
        };
        entries.iter().map(masked).collect()
    }

    /// The text with the passwords of the URLs in it masked, and every secret.
    #[must_use]
    pub fn mask_with_urls(&self, text: &str) -> String {
        let places: Vec<_> = of_urls(text).collect();
        self.mask(&without(text, &places)).into_owned()
    }

    /// The parts of the text that are secrets, from left to right.
    #[must_use]
    pub fn places(&self, text: &str) -> Vec<Range<usize>> {
        self.places_where(text, |_| true)
    }

    fn places_where(
        &self,
        text: &str,
        is_hidden: impl Fn(&Range<usize>) -> bool,
    ) -> Vec<Range<usize>> {
        let (mut places, mut at) = (Vec::new(), 0);
        if self.by_start.is_empty() {
            return places;
        }
        while at < text.len() {
            let found = self.at_start_of(&text.as_bytes()[at..]);
            let found = found.map(|length| at..at + length).filter(&is_hidden);
            at = found.as_ref().map_or(at + 1, |place| place.end);
            places.extend(found);
        }
        places
    }

    fn mask_where<'a>(
        &self,
        text: &'a str,
        is_hidden: impl Fn(&Range<usize>) -> bool,
    ) -> Cow<'a, str> {
        let places = self.places_where(text, is_hidden);
        if places.is_empty() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(without(text, &places))
    }

    /// The same for what is left of a longer text: where that was cut within a secret, the end of
    /// it is hidden too, unless it is so short that it may stand there by chance.
    #[must_use]
    pub fn mask_rest<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.mask_torn(text) {
            Cow::Borrowed(text) => self.mask(text),
            Cow::Owned(text) => Cow::Owned(self.mask(&text).into_owned()),
        }
    }

    /// The text, which was cut before its beginning, without the end of a secret there.
    fn mask_torn<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let torn = self.torn(text);
        if torn <= self.at_start_of(text.as_bytes()).unwrap_or(0) {
            return Cow::Borrowed(text);
        }
        Cow::Owned(MASK.to_owned() + &text[torn..])
    }

    /// The same for the beginning of a longer text: where that was cut within a secret, the beginning
    /// of it is hidden too.
    #[must_use]
    pub fn mask_beginning(&self, text: &str) -> String {
        self.mask_begun(text, "").into_owned()
    }

    /// As [`Self::mask_whole`], where the text was cut behind its end.
    fn mask_begun<'a>(&self, text: &'a str, name: &str) -> Cow<'a, str> {
        let begun = self.begun(text.as_bytes());
        if begun < SHORTEST {
            return self.mask_whole(text, name);
        }
        self.mask_whole(&text[..text.len() - begun], name) + MASK
    }

    /// How many bytes at the beginning of `text` are the end of a secret.
    fn torn(&self, text: &str) -> usize {
        let ends = self.by_start.values().flatten().filter_map(|Form(form)| {
            let mut starts = 1..=form.len() - SHORTEST;
            let start = starts.find(|at| text.as_bytes().starts_with(&form.as_bytes()[*at..]))?;
            Some(form.len() - start)
        });
        ends.max().unwrap_or(0)
    }

    /// How many bytes at the end of `text` may be the beginning of a secret that goes on after it.
    ///
    /// Who cuts a text there, and these bytes go with what follows, cuts no secret in two.
    #[must_use]
    pub fn begun(&self, text: &[u8]) -> usize {
        let from = text.len().saturating_sub(self.longest().saturating_sub(1));
        let mut at = 0;
        while at < text.len() {
            if at >= from && self.is_begun_by(&text[at..]) {
                return text.len() - at;
            }
            // What begins within a secret is hidden with it.
            at += self.at_start_of(&text[at..]).unwrap_or(1);
        }
        0
    }

    /// The length of the longest form of a secret, in bytes.
    fn longest(&self) -> usize {
        let longest = self.by_start.values().filter_map(|alike| alike.first());
        longest.map(|Form(form)| form.len()).max().unwrap_or(0)
    }

    /// The length of the longest secret that `text` begins with, in bytes.
    fn at_start_of(&self, text: &[u8]) -> Option<usize> {
        let alike = self.by_start.get(text.first_chunk()?)?;
        let mut forms = alike.iter().map(|Form(form)| form);
        let found = forms.find(|form| text.starts_with(form.as_bytes()));
        found.map(String::len)
    }

    /// Whether a secret begins with `text`, and is longer.
    fn is_begun_by(&self, text: &[u8]) -> bool {
        let Some(start) = text.first_chunk() else {
            return self.by_start.keys().any(|start| start.starts_with(text));
        };
        let alike = self.by_start.get(start).into_iter().flatten();
        alike
            .map(|Form(form)| form.as_bytes())
            .any(|form| form.len() > text.len() && form.starts_with(text))
    }

    fn add_forms(&mut self, secret: &str) {
        if secret.len() < SHORTEST || secret == MASK || is_word_for_secrets(secret) {
            return;
        }
        // The password of a URL is what its characters stand for.
        let decoded = url_decoded(secret);
        if decoded != secret {
            self.add_forms(&decoded);
        }
        for form in forms::of(secret) {
            self.insert(form);
        }
    }

    fn insert(&mut self, form: String) {
        let start = form.as_bytes().first_chunk().copied();
        let alike = self.by_start.entry(start.expect("no form is shorter"));
        alike.or_default().insert(Form(form));
    }
}

/// Where a text says that something is left out, which was done before its secrets were hidden.
fn gaps(text: &str) -> impl Iterator<Item = Range<usize>> {
    const NOTICE: &str = " characters left out]\n";
    text.match_indices(NOTICE).filter_map(|(at, _)| {
        let before = text[..at].trim_end_matches(|c: char| c.is_ascii_digit());
        let start = before.strip_suffix("\n[")?.len();
        Some(start..at + NOTICE.len())
    })
}

/// The text with [`MASK`] in the place of these parts, which stand from left to right.
fn without(text: &str, places: &[Range<usize>]) -> String {
    let (mut masked, mut done) = (String::new(), 0);
    for place in places {
        masked.push_str(&text[done..place.start]);
        masked.push_str(MASK);
        done = place.end;
    }
    masked + &text[done..]
}

impl Ord for Form {
    fn cmp(&self, other: &Self) -> Ordering {
        let (Self(one), Self(other)) = (self, other);
        other.len().cmp(&one.len()).then_with(|| one.cmp(other))
    }
}

impl PartialOrd for Form {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether a text is the very word for a secret, as in `password: password`: hidden by its value it
/// would be missing in what explains a failure, and it hides nothing.
fn is_word_for_secrets(text: &str) -> bool {
    const WORDS: [&str; 8] = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "credential",
        "credentials",
        "bearer",
        "cookie",
    ];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether a word says how what follows it in a header `Authorization` is to be read.
fn is_scheme(word: &str) -> bool {
    const SCHEMES: [&str; 3] = ["Bearer", "Basic", "Token"];
    SCHEMES
        .iter()
        .any(|scheme| scheme.eq_ignore_ascii_case(word))
}

/// RFC 3986: each `%` with two hexadecimal digits as the byte that it stands for.
fn url_decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).map(|digits| u8::from_str_radix(digits, 16));
        if let Some(Ok(byte)) = digits {
            bytes.push(byte);
            bytes.extend_from_slice(&part.as_bytes()[2..]);
        } else {
            bytes.push(b'%');
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
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
fn unquoted(value: &str) -> &str {
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
