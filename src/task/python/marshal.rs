//! Plain values in Python's own format, which it reads without loading anything.
//!
//! Source: `Python/marshal.c` of `CPython`. These codes mean the same in all versions since 2.5.

use serde_json::{Number, Value as Json};

/// How many bits a digit of a large number has.
const DIGIT_BITS: u32 = 15;

/// What `marshal.loads` reads as `value`.
///
/// # Panics
/// Where a text or a list is longer than 2^31-1, which no config and no command line can hold.
pub(super) fn bytes(value: &Json) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, value);
    out
}

fn write(out: &mut Vec<u8>, value: &Json) {
    match value {
        Json::Null => out.push(b'N'),
        Json::Bool(true) => out.push(b'T'),
        Json::Bool(false) => out.push(b'F'),
        Json::Number(number) => write_number(out, number),
        Json::String(text) => write_text(out, text),
        Json::Array(items) => {
            out.push(b'[');
            write_length(out, items.len());
            for item in items {
                write(out, item);
            }
        }
        Json::Object(entries) => {
            out.push(b'{');
            for (key, value) in entries {
                write_text(out, key);
                write(out, value);
            }
            out.push(b'0');
        }
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'u');
    write_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn write_length(out: &mut Vec<u8>, length: usize) {
    let length = i32::try_from(length).expect("what a config holds is far shorter");
    out.extend_from_slice(&length.to_le_bytes());
}

fn write_number(out: &mut Vec<u8>, number: &Number) {
    let Some(whole) = number.as_i64() else {
        out.push(b'g');
        let float = number.as_f64().unwrap_or(f64::NAN);
        return out.extend_from_slice(&float.to_le_bytes());
    };
    if let Ok(small) = i32::try_from(whole) {
        out.push(b'i');
        return out.extend_from_slice(&small.to_le_bytes());
    }
    let mask = (1 << DIGIT_BITS) - 1;
    let mut rest = whole.unsigned_abs();
    let mut digits = Vec::new();
    while rest != 0 {
        digits.push(u16::try_from(rest & mask).unwrap_or_default());
        rest >>= DIGIT_BITS;
    }
    let count = i32::try_from(digits.len()).unwrap_or_default();
    out.push(b'l');
    let signed = if whole < 0 { -count } else { count };
    out.extend_from_slice(&signed.to_le_bytes());
    let digits = digits.into_iter().flat_map(u16::to_le_bytes);
    out.extend(digits);
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use serde_json::json;

    use super::super::tests::versions::pythons;
    use super::*;

    #[test]
    fn every_python_reads_what_was_meant() {
        let value = json!({
            "nothing": null,
            "truths": [true, false],
            "numbers": [0, -1, 2_147_483_647, -2_147_483_648, 2_147_483_648_i64, -2_147_483_649_i64,
                (1_i64 << 53) - 1, i64::MIN, i64::MAX, 0.5],
            "texts": ["", "größe 你好 🦀", "\"'\\\n\0"],
            "": {"inner": [], "empty": {}},
        });
        let mut readers = 0;
        for python in pythons() {
            let mut child = Command::new(&python)
                .arg("-c")
                .arg("import sys,json,marshal; print(json.dumps(marshal.load(sys.stdin.buffer)))")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut stdin = child.stdin.take().unwrap();
            // A shim of a version that is not installed reads nothing.
            let _ = stdin.write_all(&bytes(&value));
            drop(stdin);
            let output = child.wait_with_output().unwrap();
            if output.status.success() {
                let read: Json = serde_json::from_slice(&output.stdout).unwrap();
                assert_eq!(read, value, "{}", python.display());
                readers += 1;
            }
        }
        assert!(readers > 0);
    }
}
