//! Passwords and tokens: which keys hold them, and how they are kept out of every output.
//!
//! A value is hidden by the name of its key, and wherever else it turns up by the value itself.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use crate::value::Value;

mod forms;

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
    const ANYWHERE: [&str; 7] = [
        "password",
        "passwd",
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
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    let mut braces = Braces::default();
    while let Some(colon) = line[from..].find(':').map(|at| from + at) {
        from = colon + 1;
        let value = is_secret_at(line, colon).then(|| {
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
        found.extend(of_slip(line));
    }
    found
}

/// Where the secret of a line is that was meant to be `key: value`: after a colon without a space,
/// or after `=`.
fn of_slip(line: &str) -> Option<Range<usize>> {
    let sign = line.find([':', '='])?;
    let key = key_before(&line[..sign]);
    let is_colon = line[sign..].starts_with(':');
    let is_entry = is_colon && line[sign + 1..].starts_with(char::is_whitespace);
    let value = trimmed(line, sign + 1..line.len());
    let is_slip = !is_entry && !value.is_empty() && !key.contains('.') && is_secret_key(key);
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
fn is_secret_at(line: &str, colon: usize) -> bool {
    let after = &line[colon + 1..];
    if !after.starts_with([' ', '\t', '"', '\'']) {
        return false;
    }
    let key = key_before(&line[..colon]);
    // `token.refresh: {…}` is a job: its key names a function, not a secret.
    let is_job = key.contains('.') && after.trim_start().starts_with('{');
    !is_job && is_secret_key(key)
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
#[must_use]
pub fn of_url(text: &str) -> Option<Range<usize>> {
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

/// The value with all that its keys' names call secret replaced by [`MASK`].
///
/// The value of a secret key is hidden whole, also a list or a mapping; elsewhere the passwords
/// of URLs are hidden.
#[must_use]
pub fn masked(value: &Value) -> Value {
    let all = |items: &[Value]| items.iter().map(masked).collect();
    match value {
        Value::Str(text) => match of_url(text) {
            Some(place) => Value::Str(replaced(text, place)),
            None => value.clone(),
        },
        Value::List(items) => Value::List(all(items)),
        Value::Tuple(items) => Value::Tuple(all(items)),
        Value::Set(items) => Value::Set(all(items)),
        Value::Map(entries) => Value::Map(entries.iter().map(masked_entry).collect()),
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

/// An entry of a mapping with what its key's name calls secret replaced by [`MASK`].
#[must_use]
pub fn masked_entry((key, value): &(Value, Value)) -> (Value, Value) {
    match key {
        Value::Str(name) if is_secret_key(name) && *value != Value::None => {
            (key.clone(), Value::Str(MASK.to_owned()))
        }
        _ => (key.clone(), masked(value)),
    }
}

impl Secrets {
    /// The secrets of a text in YAML, read by its looks line by line.
    #[must_use]
    pub fn of_yaml(text: &str) -> Self {
        let mut secrets = Self::default();
        let mut below = false;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if is_entry(line) {
                below = opens(line);
            } else if below {
                let value = line.trim().trim_start_matches(": ");
                secrets.add(unquoted(value.trim_start_matches("- ")));
            }
            for place in of_line(line) {
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
        match value {
            Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
                for item in items {
                    self.add_value(item);
                }
            }
            Value::Map(entries) => {
                for (_, item) in entries {
                    self.add_value(item);
                }
            }
            Value::Bytes(bytes) => self.add(&String::from_utf8_lossy(bytes)),
            Value::Str(text) => self.add(text),
            Value::None
            | Value::Bool(_)
            | Value::Int(_)
            | Value::BigInt(_)
            | Value::Float(_)
            | Value::Date(_)
            | Value::DateTime(..) => self.add(&value.str()),
        }
    }

    /// Hides what the keys of a mapping, and of what is in it, call secret, and passwords of URLs.
    pub fn add_entries(&mut self, entries: &[(Value, Value)]) {
        for (key, value) in entries {
            match key {
                Value::Str(name) if is_secret_key(name) => self.add_value(value),
                _ => self.add_within(value),
            }
        }
    }

    fn add_within(&mut self, value: &Value) {
        match value {
            Value::Map(entries) => self.add_entries(entries),
            Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
                for item in items {
                    self.add_within(item);
                }
            }
            Value::Str(text) => self.add_urls(text),
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
        self.mask_where(text, |_| true)
    }

    /// The same, where `name` stays readable although a part of it is a secret.
    #[must_use]
    pub fn mask_around<'a>(&self, text: &'a str, name: &str) -> Cow<'a, str> {
        let names = text.match_indices(name).map(|(at, _)| at..at + name.len());
        let names: Vec<_> = names.filter(|_| !name.is_empty()).collect();
        self.mask_where(text, |found| {
            let next = names.partition_point(|name| name.end < found.end);
            names
                .get(next)
                .is_none_or(|name| found.len() >= name.len() || found.start < name.start)
        })
    }

    /// The parts of the text that are secrets, from left to right.
    #[must_use]
    pub fn places(&self, text: &str) -> Vec<Range<usize>> {
        let (mut places, mut at) = (Vec::new(), 0);
        while at < text.len() {
            let found = self.at_start_of(&text.as_bytes()[at..]);
            places.extend(found.map(|length| at..at + length));
            at += found.unwrap_or(1);
        }
        places
    }

    fn mask_where<'a>(
        &self,
        text: &'a str,
        is_hidden: impl Fn(Range<usize>) -> bool,
    ) -> Cow<'a, str> {
        let (mut masked, mut done, mut at) = (String::new(), 0, 0);
        while at < text.len() {
            let found = self.at_start_of(&text.as_bytes()[at..]);
            let Some(length) = found.filter(|length| is_hidden(at..at + length)) else {
                at += 1;
                continue;
            };
            masked.push_str(&text[done..at]);
            masked.push_str(MASK);
            at += length;
            done = at;
        }
        if done == 0 {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(masked + &text[done..])
        }
    }

    /// The same for what is left of a longer text: where that was cut within a secret, the end of
    /// it is hidden too, unless it is so short that it may stand there by chance.
    #[must_use]
    pub fn mask_rest<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let torn = self.torn(text);
        if torn <= self.at_start_of(text.as_bytes()).unwrap_or(0) {
            return self.mask(text);
        }
        Cow::Owned(MASK.to_owned() + &self.mask(&text[torn..]))
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

fn replaced(text: &str, place: Range<usize>) -> String {
    format!("{}{MASK}{}", &text[..place.start], &text[place.end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret_of(line: &str) -> String {
        let found: Vec<&str> = of_line(line).into_iter().map(|at| &line[at]).collect();
        found.join("|")
    }

    #[test]
    fn keys_are_secret_by_their_name() {
        for key in [
            "password",
            "SMTP_PASSWORD",
            "api key",
            "apikey",
            "mailgun api key",
            "dsn",
            "DB_PASS",
            "auth",
            "Authorization",
            "session cookie",
        ] {
            assert!(is_secret_key(key), "{key}");
        }
        for key in [
            "server",
            "username",
            "keyboard",
            "type",
            "timezone",
            "keep history",
            "passes",
            "auth type",
            "author",
        ] {
            assert!(!is_secret_key(key), "{key}");
        }
    }

    #[test]
    fn the_secret_of_a_line_is_the_value_of_its_secret_key() {
        assert_eq!(secret_of("    password: hunter22"), "hunter22");
        assert_eq!(secret_of("  - {user: me, \"api key\": 'a: b'}"), "'a: b'");
        assert_eq!(secret_of("    server: smtp.example.org"), "");
        assert_eq!(secret_of("  token.refresh:"), "");
        assert_eq!(secret_of("  token.refresh: {type: corn}"), "");
        assert_eq!(secret_of("  token.refresh: { type: corn}"), "");
        assert_eq!(secret_of("ключ: ü"), "");
    }

    #[test]
    fn a_slip_leaves_the_value_of_a_secret_key_a_secret() {
        assert_eq!(secret_of("  password:hunter22"), "hunter22");
        assert_eq!(secret_of("  - API_KEY = hunter 22"), "hunter 22");
        assert_eq!(secret_of("  a: password = hunter22"), "");
        assert_eq!(secret_of("  token.refresh:{}"), "");
        let bare = |line| of_line_without_colon(line).map_or("", |place| &line[place]);
        assert_eq!(bare("  - api key hunter 22 "), "hunter 22");
        assert_eq!(bare("  api key"), "");
        assert_eq!(bare("  a password: hunter22"), "");
        let secrets = Secrets::of_yaml("  password:\n\thunter22\n? token\n: hunter33\n");
        assert_eq!(secrets.mask("hunter22 hunter33"), format!("{MASK} {MASK}"));
    }

    #[test]
    fn a_long_line_is_gone_through_once() {
        let entry = |n| format!("password{n}: abcdefg, x{n}: {{y: z");
        let all: Vec<String> = (0..20_000).map(entry).collect();
        let line = format!("{{{}", all.join(", "));
        assert_eq!(of_line(&line).len(), 20_000);
        assert_eq!(of_line(&"a: ".repeat(50_000)), []);
    }

    #[test]
    fn a_line_may_have_several_secrets() {
        for (line, expected) in [
            ("{password: one, port: 5, token: 'a, b'}", "one|'a, b'"),
            (
                r#"{password: "a\", b", x: {pwd: it's, y: 1}}"#,
                r#""a\", b"|it's"#,
            ),
            ("{tokens: [a, {b: c}], x: 1}", "[a, {b: c}]"),
            ("password: a, b}", "a, b}"),
            ("[redis://u:one@h, db://v:two@h/x]", "one|two"),
        ] {
            assert_eq!(secret_of(line), expected, "{line}");
        }
    }

    #[test]
    fn a_secret_in_braces_is_hidden_wherever_it_turns_up() {
        let text = "mail: {password: hunter22, port: 5}\ndb: {\n  password: hunter33, port: 5\n}\n";
        let mut secrets = Secrets::of_yaml(text);
        secrets.add_variable("A", "harmless");
        secrets.add_variable("API_KEY", "hunter44");
        secrets.add_variable("URL", "db://u:hunter55@h/x");
        assert_eq!(
            secrets.mask("hunter22 hunter33 hunter44 hunter55 harmless"),
            format!("{MASK} {MASK} {MASK} {MASK} harmless")
        );
    }

    #[test]
    fn the_password_of_a_url_is_secret() {
        let text = "redis://user:p@ss@host:6379/0";
        assert_eq!(of_url(text).map(|place| &text[place]), Some("p@ss"));
        for text in ["redis://host:6379", "http://a/b:c@d", "a:b@c", "://"] {
            assert_eq!(of_url(text), None, "{text}");
        }
    }

    #[test]
    fn secrets_are_hidden_wherever_they_turn_up() {
        let secrets = Secrets::of_yaml("mail:\n  password: 'hunter 22'  \n  token: abc\n");
        assert_eq!(
            secrets.mask("login hunter 22 failed"),
            "login ******** failed"
        );
        assert_eq!(secrets.mask("?p=hunter%2022"), "?p=********");
        assert_eq!(secrets.mask("Basic aHVudGVyIDIy"), "Basic ********");
        assert_eq!(secrets.mask("the abc of it"), "the abc of it");
    }

    #[test]
    fn the_word_for_a_secret_is_hidden_by_its_key_alone() {
        let secrets = Secrets::of_yaml("password: password\ntoken: my-secret\n");
        let told = "password authentication failed, my-secret";
        assert_eq!(
            secrets.mask(told),
            "password authentication failed, ********"
        );
        assert_eq!(secret_of("password: password"), "password");
    }

    #[test]
    fn a_name_stays_readable_although_a_part_of_it_is_a_secret() {
        let secrets = Secrets::of_yaml("key: reports\ntoken: to-reports.nightly-2\n");
        for (text, expected) in [
            (
                "reports.nightly ended: reports",
                "reports.nightly ended: ********",
            ),
            (
                "to-reports.nightly-2 reports.nightly",
                "******** reports.nightly",
            ),
            ("reports.night", "********.night"),
        ] {
            let masked = secrets.mask_around(text, "reports.nightly");
            assert_eq!(masked, expected, "{text}");
        }
        assert_eq!(secrets.mask_around("reports", ""), MASK);
        assert_eq!(secrets.mask_around("reports", "reports"), MASK);
    }

    #[test]
    fn the_token_of_a_header_is_hidden_without_its_scheme() {
        let secrets = Secrets::of_yaml("authorization: Bearer hunter22\n");
        assert_eq!(
            secrets.mask("hunter22, Bearer hunter22"),
            "********, ********"
        );
    }

    #[test]
    fn the_secrets_of_keywords_are_hidden_at_any_depth() {
        let text = |text: &str| Value::Str(text.to_owned());
        let pair = |key: &str, value: &str| (text(key), text(value));
        let mut secrets = Secrets::default();
        let inner = Value::List(vec![Value::Map(vec![pair("token", "hunter33")])]);
        secrets.add_entries(&[
            pair("password", "hunter22"),
            pair("url", "db://u:hunter44@h"),
            (text("x"), inner),
        ]);
        let masked = secrets.mask("hunter22 hunter33 hunter44 x");
        assert_eq!(masked, "******** ******** ******** x");
        let mut more = Secrets::default();
        more.add("hunter33");
        assert!(secrets.hold(&more) && !more.hold(&secrets));
    }

    #[test]
    fn a_secret_below_its_key_is_hidden_wherever_it_turns_up() {
        let text = "api keys:\n- first-key\n\n- 'second-key'\nprivate key: |\n  abcdefgh\nb:\n- harmless\n";
        let secrets = Secrets::of_yaml(text);
        for secret in ["first-key", "second-key", "abcdefgh"] {
            assert_eq!(secrets.mask(secret), MASK, "{secret}");
        }
        assert_eq!(secrets.mask("harmless"), "harmless");
    }

    #[test]
    fn the_password_of_a_url_is_hidden_in_both_forms() {
        let secrets = Secrets::of_yaml("redis: redis://u:hunter%2F%zz%é@h/0");
        let shown = secrets.mask("hunter%2F%zz%é hunter/%zz%é").into_owned();
        assert_eq!(shown, format!("{MASK} {MASK}"));
    }

    #[test]
    fn a_value_is_masked_by_its_keys_at_any_depth() {
        let text = |text: &str| Value::Str(text.to_owned());
        let map = |key: &str, value| Value::Map(vec![(text(key), value)]);
        let inner = map("api key", Value::List(vec![Value::Int(1)]));
        assert_eq!(
            masked(&map("a", inner)),
            map("a", map("api key", text(MASK)))
        );
        assert_eq!(masked(&text("db://u:pw@h")), text("db://u:********@h"));
    }

    #[test]
    fn the_beginning_of_a_secret_at_the_end_of_a_text_is_seen() {
        let mut secrets = Secrets::of_yaml("password: hunter22\ntoken: hunter22-and-more\n");
        secrets.add("er22-of-another");
        for (text, length) in [
            ("it is", 0),
            ("it is h", 1),
            ("it is hunte", 5),
            ("it is hunter2", 7),
            ("it is hunter22", 8),
            ("it is hunter22-and-more", 0),
            ("it is hunter22-and-less", 0),
            ("it is er22", 4),
            ("hunter22-and-mor", 16),
            ("aHVudGVyMj", 10),
            ("", 0),
        ] {
            assert_eq!(secrets.begun(text.as_bytes()), length, "{text}");
        }
        assert_eq!(Secrets::default().begun(b"hunter22"), 0);
    }

    #[test]
    fn the_end_of_a_secret_at_the_beginning_of_what_is_left_is_hidden() {
        let mut secrets = Secrets::default();
        for secret in ["hunter-22ü", "nter-22ü, too", "of-another-nter-22ü"] {
            secrets.add(secret);
        }
        for (text, expected) in [
            ("unter-22ü hunter-22ü", "******** ********"),
            ("r-22ü of it", "******** of it"),
            ("22ü of it", "22ü of it"),
            ("nter-22ü, too long", "******** long"),
            ("other-nter-22ü, too", "********, too"),
            ("it is unter-22ü", "it is unter-22ü"),
            ("", ""),
        ] {
            assert_eq!(secrets.mask_rest(text), expected, "{text}");
        }
    }

    #[test]
    fn earlier_secrets_can_be_kept() {
        let mut secrets = Secrets::of_yaml("password: hunter22");
        secrets.extend(&Secrets::of_yaml("password: hunter22-and-more"));
        let masked = secrets.mask("hunter22 hunter22-and-more");
        assert_eq!(masked, "******** ********");
    }
}
