//! The escapes of a scalar in double quotes, as they are written.

/// Where the escapes of a text are, in bytes, each with what follows it.
pub(super) fn escapes(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = next + text[next..].find('\\')?;
        let escaped = text[start + 1..].chars().next();
        next = start + 1 + escaped.map_or(0, char::len_utf8);
        Some((start, &text[start..]))
    })
}

/// The code of a numbered escape such as `\u00e9`; `None` where the digits are missing.
pub(super) fn code(escape: &str) -> Option<u32> {
    let digits = match escape.as_bytes().get(1)? {
        b'x' => 2,
        b'u' => 4,
        b'U' => 8,
        _ => return None,
    };
    let digits = escape.get(2..2 + digits)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}

/// Whether an escape stands for a character.
pub(super) fn is_known(escape: &str) -> bool {
    match escape[1..].chars().next() {
        Some('x' | 'u' | 'U') => code(escape).and_then(char::from_u32).is_some(),
        Some(escaped) => "0abt\tnvfre \"/\\N_LP\n".contains(escaped),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_backslash_begins_no_escape() {
        let places: Vec<usize> = escapes(r"\\a\né\\\").map(|(start, _)| start).collect();
        assert_eq!(places, [0, 3, 7, 9]);
    }

    #[test]
    fn numbered_escapes_need_their_digits() {
        assert_eq!(code(r"\u00e9"), Some(0xe9));
        assert_eq!(code(r"\x4"), None);
        assert_eq!(code(r"\x+4"), None);
        assert_eq!(code(r"\U0001F600x"), Some(0x1f600));
    }

    #[test]
    fn half_a_pair_is_no_character() {
        assert!(is_known(r"\u00e9") && is_known(r"\n") && is_known("\\\n"));
        assert!(!is_known(r"\ud800") && !is_known(r"\q") && !is_known(r"\U00110000"));
    }
}
