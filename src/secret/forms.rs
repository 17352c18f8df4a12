//! The forms in which a secret turns up: as Python and JSON print it, in URLs, in base64.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

use crate::value::Value;

/// All forms of a secret, itself first; some may be the same.
pub(super) fn of(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    forms.extend(printed(secret));
    forms.extend(in_urls(secret));
    for form in in_base64(secret) {
        forms.push(form.replace('+', "-").replace('/', "_"));
        forms.push(form);
    }
    forms
}

/// As Python's `repr` and JSON write it, without the quotes around it.
fn printed(secret: &str) -> [String; 4] {
    let inner = |text: &str| text[1..text.len() - 1].to_owned();
    let json = serde_json::Value::from(secret).to_string();
    let repr = inner(&Value::Str(secret.to_owned()).repr());
    // Beside a text with the other quote, or within a longer one, each may be escaped.
    let quoted = repr.replace("\\'", "'").replace('\'', "\\'");
    [inner(&in_ascii(&json)), inner(&json), repr, quoted]
}

/// JSON with its other characters as `\u` and four hexadecimal digits, as Python writes it.
fn in_ascii(json: &str) -> String {
    let mut units = [0; 2];
    json.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii() {
            out.push(c);
            return out;
        }
        for unit in c.encode_utf16(&mut units) {
            write!(out, "\\u{unit:04x}").expect("a String takes all");
        }
        out
    })
}

/// Encoded for a URL: whole, for a path, and for a form.
fn in_urls(secret: &str) -> [String; 3] {
    let whole = url_encoded(secret);
    let path = whole.replace("%2F", "/");
    let form = whole.replace("%20", "+");
    [whole, path, form]
}

/// RFC 3986: all but the unreserved characters as `%` and two hexadecimal digits.
fn url_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a String takes all");
        }
        out
    })
}

/// In base64: by itself, and what does not change where it stands within a longer text, such as
/// `user:password`.
fn in_base64(secret: &str) -> [String; 4] {
    let within = |before: usize| {
        let bytes = [&[0; 2][..before], secret.as_bytes()].concat();
        let text = BASE64_STANDARD_NO_PAD.encode(&bytes);
        // A digit has six bits: those that have some of what stands beside it do not count.
        text[(before * 8).div_ceil(6)..bytes.len() * 8 / 6].to_owned()
    };
    [
        BASE64_STANDARD.encode(secret),
        within(0),
        within(1),
        within(2),
    ]
}

#[cfg(test)]
mod tests {
    use crate::secret::{MASK, Secrets};

    /// What is left of a text in which `ab/cd "ef\gh?~ü>>>` is hidden.
    fn left(text: &str) -> String {
        let mut secrets = Secrets::default();
        secrets.add(r#"ab/cd "ef\gh?~ü>>>"#);
        secrets.mask(text).replace(MASK, "*")
    }

    #[test]
    fn a_secret_is_hidden_in_the_forms_in_which_python_prints_it() {
        for text in [
            r#"ab/cd "ef\gh?~ü>>>"#,
            r#"ab/cd "ef\\gh?~ü>>>"#,
            r#"ab/cd \"ef\\gh?~\u00fc>>>"#,
            r#"ab/cd \"ef\\gh?~ü>>>"#,
            "ab/cd%20%22ef%5Cgh%3F~%C3%BC%3E%3E%3E",
            "ab%2Fcd%20%22ef%5Cgh%3F~%C3%BC%3E%3E%3E",
            "ab%2Fcd+%22ef%5Cgh%3F~%C3%BC%3E%3E%3E",
            "YWIvY2QgImVmXGdoP37DvD4+Pg==",
            "YWIvY2QgImVmXGdoP37DvD4-Pg==",
        ] {
            assert_eq!(left(text), "*", "{text}");
        }
    }

    #[test]
    fn a_secret_is_hidden_where_base64_has_more_than_it() {
        // "user:…", "u:…", "api:…:x".
        for text in [
            "dXNlcjphYi9jZCAiZWZcZ2g/fsO8Pj4+",
            "dTphYi9jZCAiZWZcZ2g/fsO8Pj4+",
            "dTphYi9jZCAiZWZcZ2g_fsO8Pj4-",
            "YXBpOmFiL2NkICJlZlxnaD9+w7w+Pj46eA==",
        ] {
            let left = left(text);
            assert!(left.contains('*') && left.len() <= 13, "{text}: {left}");
        }
    }

    #[test]
    fn quotes_are_hidden_as_python_escapes_them() {
        let mut secrets = Secrets::default();
        secrets.add(r#"it's "so"!"#);
        assert_eq!(secrets.mask(r#"'it\'s "so"!'"#), format!("'{MASK}'"));
        secrets.add("it's-hunter");
        assert_eq!(secrets.mask(r#"'"it\'s-hunter"'"#), format!("'\"{MASK}\"'"));
    }
}
