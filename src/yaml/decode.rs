//! From the bytes of a file to the text that is parsed.

use super::fault;
use crate::diagnostic::{Code, Diagnostic, Span};

/// The mark that some editors put before UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Decodes UTF-8, drops a byte order mark at the start, and makes every line end in `\n`.
///
/// Places in diagnostics refer to the decoded text. Source: Python's text files with universal
/// newlines, as docassemble reads its config.
///
/// # Errors
/// Bytes that are not UTF-8, with the place of the first one; characters that YAML does not
/// allow are found by [`parse`](super::parse).
pub fn decode(bytes: &[u8]) -> Result<String, Box<Diagnostic>> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        bad_byte(&String::from_utf8_lossy(valid), rest[0])
    })?;
    let text = normalize(text);
    // To `PyYAML`, a second one is text.
    if text.starts_with(BYTE_ORDER_MARK) {
        return Err(fault::inner_mark(Span::new(0, BYTE_ORDER_MARK.len_utf8())));
    }
    Ok(text)
}

fn normalize(text: &str) -> String {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text.to_owned()
    }
}

fn bad_byte(before: &str, byte: u8) -> Box<Diagnostic> {
    let before = normalize(before);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    let message = format!("the byte 0x{byte:02x} at line {line}, column {column} is not UTF-8");
    Box::new(Diagnostic::error(Code::Yaml, message).with_help("save the file as UTF-8"))
}

/// Finds the first character that `PyYAML` does not take anywhere in a file.
///
/// Source: `NON_PRINTABLE` of `PyYAML` 6.0, `reader.py`.
pub(super) fn check_characters(text: &str) -> Result<(), Box<Diagnostic>> {
    let is_usual = |byte: u8| matches!(byte, b' '..=b'~' | b'\n');
    // A stretch is looked at to its end, so that many bytes are compared at once.
    let all_usual = |stretch: &[u8]| stretch.iter().fold(true, |all, byte| all & is_usual(*byte));
    if text.as_bytes().chunks(1024).all(all_usual) {
        return Ok(());
    }
    let found = text
        .char_indices()
        .find(|&(_, character)| !is_printable(character));
    let Some((start, character)) = found else {
        return Ok(());
    };
    let code = u32::from(character);
    let message = format!("the character U+{code:04X} is not allowed in YAML");
    let mut fault = Diagnostic::error(Code::Yaml, message)
        .at(Span::new(start, start + character.len_utf8()))
        .with_help("remove it");
    if let ..=0xff = code {
        fault = fault.with_help(format!(
            "in a text in double quotes it is written `\\x{code:02x}`"
        ));
    }
    Err(Box::new(fault))
}

fn is_printable(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n'
            | '\r'
            | ' '..='~'
            | '\u{85}'
            | '\u{a0}'..='\u{d7ff}'
            | '\u{e000}'..='\u{fffd}'
            | '\u{10000}'..
    )
}
