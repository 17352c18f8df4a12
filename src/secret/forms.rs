//! The forms in which a secret turns up: as Python and JSON print it, in URLs, in base64.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

use super::SHORTEST;
use crate::value::Value;

/// The characters besides letters, digits and `-._` that stand in a URL as they are, which depends on
/// what encodes it for what: for a form, anything, a path, by JavaScript a part and the whole of it,
/// and by RFC 3986 the user, a part of the path and the whole path.
const KEPT_IN_URLS: [&str; 8] = [
    "*",
    "~",
    "~/",
    "~!'()*",
    "~!'()*;,/?:@&=+$#",
    "~!$&'()*+,;=",
    "~!$&'()*+,;=:@",
    "~!$&'()*+,;=:@/",
];

/// How many characters of base64 a line has: in a mail and by `base64`, and as OpenSSL writes it.
const LINES: [usize; 2] = [76, 64];

/// All forms of a secret, itself first; some may be the same.
pub(super) fn of(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    if !secret.bytes().all(is_the_same_everywhere) {
        forms.extend(printed(secret));
        forms.extend(in_urls(secret));
    }
    for form in in_base64(secret) {
        forms.push(form.replace('+', "-").replace('/', "_"));
        forms.push(form);
    }
    forms
}

/// Whether nobody writes a character in another way, but in base64.
fn is_the_same_everywhere(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._".contains(&byte)
}

/// As Python's `repr` and `ascii` and as JSON write it, also as bytes, without the quotes around it.
fn printed(secret: &str) -> Vec<String> {
    let repr = inner(&Value::Str(secret.to_owned()).repr()).to_owned();
    let bytes = Value::Bytes(secret.as_bytes().to_vec()).repr();
    let ascii = escaped(&repr, python_escape);
    let mut forms = Vec::new();
    for repr in [ascii.as_str(), inner(&bytes[1..]), repr.as_str()] {
        // Beside a text with the other quote, or within a longer one, each may be escaped.
        forms.push(repr.replace("\\'", "'").replace('\'', "\\'"));
        forms.push(repr.to_owned());
    }
    let json = serde_json::Value::from(secret).to_string();
    let ascii = escaped(&json, json_escape);
    for json in [inner(&json), inner(&ascii)] {
        // As PHP writes it.
        forms.push(json.replace('/', "\\/"));
        forms.push(json.to_owned());
    }
    forms
}

/// A text without the quotes around it.
fn inner(quoted: &str) -> &str {
    &quoted[1..quoted.len() - 1]
}

/// The text with all that is not ASCII escaped.
fn escaped(text: &str, escape: impl Fn(&mut String, char)) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii() {
            out.push(c);
        } else {
            escape(&mut out, c);
        }
        out
    })
}

/// As Python's `ascii`: by two, four or eight hexadecimal digits.
fn python_escape(out: &mut String, c: char) {
    match u32::from(c) {
        code @ ..=0xff => write!(out, "\\x{code:02x}"),
        code @ ..=0xffff => write!(out, "\\u{code:04x}"),
        code => write!(out, "\\U{code:08x}"),
    }
    .expect("a String takes all");
}

/// As Python writes JSON: by four hexadecimal digits, or twice as many.
fn json_escape(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        write!(out, "\\u{unit:04x}").expect("a String takes all");
    }
}

/// Encoded for a URL, with hexadecimal digits of both cases, and as in a form with `+` for a space.
fn in_urls(secret: &str) -> impl Iterator<Item = String> {
    KEPT_IN_URLS.iter().flat_map(move |kept| {
        let large = url_encoded(secret, kept, |out, byte| write!(out, "%{byte:02X}"));
        let small = url_encoded(secret, kept, |out, byte| write!(out, "%{byte:02x}"));
        let form = |text: &str| text.replace("%20", "+");
        [form(&large), form(&small), large, small]
    })
}

/// All but what is kept as it is as `%` and two hexadecimal digits.
fn url_encoded(
    text: &str,
    kept: &str,
    encode: impl Fn(&mut String, u8) -> std::fmt::Result,
) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if is_the_same_everywhere(byte) || kept.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            encode(&mut out, byte).expect("a String takes all");
        }
        out
    })
}

/// In base64: by itself, and what does not change where it stands within a longer text, such as
/// `user:password`; by itself also in lines, whole and each for itself.
fn in_base64(secret: &str) -> Vec<String> {
    let within = |before: usize| {
        let bytes = [&[0; 2][..before], secret.as_bytes()].concat();
        let text = BASE64_STANDARD_NO_PAD.encode(&bytes);
        // A digit has six bits: those that have some of what stands beside it do not count.
        text[(before * 8).div_ceil(6)..bytes.len() * 8 / 6].to_owned()
    };
    let (alone, begun) = (BASE64_STANDARD.encode(secret), within(0));
    let mut forms = vec![within(1), within(2)];
    for length in LINES {
        forms.extend(in_lines(&alone, length));
        forms.extend(in_lines(&begun, length));
    }
    forms.extend([alone, begun]);
    forms
}

/// A text of base64 in lines, if it has several, and each that is not so short that it may stand
/// somewhere by chance.
fn in_lines(text: &str, length: usize) -> Vec<String> {
    if text.len() <= length {
        return Vec::new();
    }
    let lines: Vec<_> = (0..text.len())
        .step_by(length)
        .map(|at| &text[at..text.len().min(at + length)])
        .collect();
    let long = lines.iter().filter(|line| line.len() >= SHORTEST);
    let mut forms: Vec<_> = long.map(|line| (*line).to_owned()).collect();
    forms.push(lines.join("\n"));
    forms
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
            "ab%2fcd+%22ef%5cgh%3f%7e%c3%bc%3e%3e%3e",
            "ab/cd%20%22ef%5Cgh?~%C3%BC%3E%3E%3E",
            r#"ab/cd "ef\\gh?~\xfc>>>"#,
            r#"ab/cd "ef\\gh?~\xc3\xbc>>>"#,
            r#"ab\/cd \"ef\\gh?~\u00fc>>>"#,
            r#"ab\/cd \"ef\\gh?~ü>>>"#,
            "YWIvY2QgImVmXGdoP37DvD4+Pg==",
            "YWIvY2QgImVmXGdoP37DvD4-Pg==",
        ] {
            assert_eq!(left(text), "*", "{text}");
        }
    }

    #[test]
    fn a_secret_is_hidden_whatever_a_url_keeps_of_it() {
        let mut secrets = Secrets::default();
        secrets.add("p@ss (w)*rd!x/y=z");
        for text in [
            "p%40ss%20%28w%29%2Ard%21x%2Fy%3Dz",
            "p%40ss+%28w%29*rd%21x%2Fy%3Dz",
            "p%40ss%20(w)*rd!x%2fy%3dz",
            "p@ss%20(w)*rd!x/y=z",
            "p%40ss%20(w)*rd!x%2Fy=z",
            "p@ss%20(w)*rd!x%2Fy=z",
        ] {
            assert_eq!(secrets.mask(text), MASK, "{text}");
        }
    }

    #[test]
    fn a_long_secret_is_hidden_in_each_line_of_base64() {
        let mut secrets = Secrets::default();
        let secret: String = ('!'..='~').collect();
        secrets.add(&secret);
        let lines = [
            "ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZ",
            "WltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fg==",
        ];
        assert_eq!(secrets.mask(&lines.join("\n")), MASK);
        for line in lines {
            assert_eq!(secrets.mask(line), MASK, "{line}");
        }
        // With a line break behind it, which is encoded, too.
        let last = lines[1].replace("fg==", "fgo=");
        assert_eq!(secrets.mask(&last), format!("{MASK}go="));
        let narrow = "ISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9Q\n\
                      UVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fg==";
        assert_eq!(secrets.mask(narrow), MASK);
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
