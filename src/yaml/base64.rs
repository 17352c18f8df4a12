//! Base64 as Python's `base64.decodebytes` reads it: what is no digit is skipped.
//!
//! Source: `binascii.a2b_base64` of Python 3.11, not strict.

/// The bytes that `text` encodes; `None` where its digits do not make whole bytes.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held, mut pads) = (0_u8, 0_u8, 0_u8);
    for byte in text.bytes() {
        if byte == b'=' {
            // Enough padding ends the data; what follows is not looked at.
            if held >= 2 {
                pads += 1;
                if held + pads >= 4 {
                    return Some(bytes);
                }
            }
            continue;
        }
        let Some(digit) = digit(byte) else { continue };
        pads = 0;
        match held {
            0 => {}
            1 => bytes.push((bits << 2) | (digit >> 4)),
            2 => bytes.push((bits << 4) | (digit >> 2)),
            _ => bytes.push((bits << 6) | digit),
        }
        bits = digit;
        held = (held + 1) % 4;
    }
    (held == 0).then_some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_decoded_as_python_does() {
        for (text, bytes) in [
            ("", Some("")),
            ("====", Some("")),
            ("aGVs\nbG8=", Some("hello")),
            ("aGk=!!", Some("hi")),
            ("aGk=aGk=", Some("hi")),
            ("=aGk=", Some("hi")),
            ("aG==aGk=", Some("h")),
            ("aGk", None),
            ("aG=k", None),
            ("a=Gk", None),
            ("a===", None),
        ] {
            assert_eq!(
                decode(text),
                bytes.map(|bytes| bytes.as_bytes().to_vec()),
                "{text:?}"
            );
        }
    }
}
