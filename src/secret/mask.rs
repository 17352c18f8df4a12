//! Hiding secrets in what goes out, also where it was cut within one.

use std::borrow::Cow;
use std::ops::Range;

use super::looks::of_urls;
use super::{Form, MASK, SHORTEST, Secrets, is_secret_key};
use crate::value::Value;

impl Secrets {
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
