//! Why something failed, in words: what an error says, and what its causes say.
//!
//! The one place that knows Rust's own marks in the words of the system.

use std::error::Error;

/// What Rust puts behind the system's words: ` (os error 2)`.
const MARK: &str = " (os error ";

/// What an error says, with its causes, each once, and without the numbers of the system's errors.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = words(&error.to_string());
    let mut next = error.source();
    while let Some(cause) = next {
        let said = words(&cause.to_string());
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}

/// The text without Rust's marks.
fn words(text: &str) -> String {
    let mut pieces = text.split(MARK);
    let mut words = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once(')') {
            Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                words.push_str(rest);
            }
            Some(_) | None => {
                words.push_str(MARK);
                words.push_str(piece);
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// An error that has the system's as its cause, and in its own words too or not.
    #[derive(Debug, thiserror::Error)]
    enum Outer {
        #[error("cannot open `x`")]
        Short(#[source] io::Error),
        #[error("cannot open `x`: {0}")]
        Whole(#[source] io::Error),
    }

    #[test]
    fn the_system_speaks_once_and_without_numbers() {
        let missing = || io::Error::from_raw_os_error(2);
        let said = "No such file or directory";
        assert_eq!(chain(&missing()), said);
        let expected = format!("cannot open `x`: {said}");
        assert_eq!(chain(&Outer::Short(missing())), expected);
        assert_eq!(chain(&Outer::Whole(missing())), expected);
    }

    #[test]
    fn whatever_else_is_said_stays() {
        for text in ["", "no", "a (os error", "a (os error 2", "a (os error b) c"] {
            assert_eq!(chain(&io::Error::other(text)), text);
        }
        assert_eq!(
            words("a (os error 2) b (os error -1) c"),
            "a b (os error -1) c"
        );
    }
}
