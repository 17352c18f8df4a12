//! The decimal digits of all scripts, which Python's `int()` and `float()` read too.

use std::borrow::Cow;

/// The zeros of Unicode's decimal digits; the other nine follow each.
///
/// Source: category `Nd` of Unicode 14, which Python 3.11 knows.
const ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
    0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
    0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
    0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650,
    0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50,
    0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// `text` with its decimal digits in ASCII, and without the white space around it.
pub(super) fn normalize(text: &str) -> Cow<'_, str> {
    let text = text.trim_matches(is_python_space);
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(to_ascii).collect())
}

/// What Python's `str.strip()` removes: white space, and four separators that Rust leaves.
fn is_python_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

fn to_ascii(character: char) -> char {
    let code = u32::from(character);
    let following = ZEROS.partition_point(|&zero| zero <= code);
    following
        .checked_sub(1)
        .and_then(|index| char::from_digit(code - ZEROS[index], 10))
        .unwrap_or(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_other_scripts_become_ascii() {
        assert_eq!(normalize("٣٠"), "30");
        assert_eq!(normalize("１9𝟗"), "199");
        assert_eq!(normalize("Ⅻ²é"), "Ⅻ²é");
    }

    #[test]
    fn the_space_around_goes() {
        assert_eq!(normalize("\u{a0} 5\t\u{1f}"), "5");
    }
}
