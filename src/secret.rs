//! Passwords and tokens: which keys hold them, and how they are kept out of every output.
//!
//! A value is hidden by the name of its key, and wherever else it turns up by the value itself: here
//! they are gathered, `looks` finds them in a text, `forms` knows how they are written, and `mask`
//! hides them.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use foldhash::HashMap;

use crate::value::Value;
use looks::{of_line_by, of_urls, unquoted};

mod forms;
mod looks;
mod mask;
#[cfg(test)]
mod tests;

pub use looks::{indentation, is_entry, of_line, of_line_without_colon, opens};

/// What is shown instead of a secret.
pub const MASK: &str = "********";

/// Values shorter than this, in bytes, are hidden by their key alone: they turn up by chance.
const SHORTEST: usize = 6;

/// How many keys of a text are remembered.
const MOST_KEYS: usize = 256;

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
