//! Random scalars: what YAML 1.1 takes for something else than text, what it nearly does, and all
//! that can stand in quotes.

use fastrand::Rng;

const WORDS: &[&str] = &[
    "",
    "~",
    "null",
    "Null",
    "nULL",
    "yes",
    "No",
    "oN",
    "off",
    "OFF",
    "true",
    "True",
    "tRue",
    "y",
    "n",
    "N",
    ".inf",
    "-.INF",
    "+.Inf",
    ".nan",
    ".NaN",
    ".",
    "..",
    "-",
    "+",
    "_",
    "0_",
    "0x",
    "0b",
    "0o17",
    "017",
    "018",
    "0x1F",
    "-0b101",
    "0b12",
    "1_000",
    "+1_0.5_",
    "1.",
    ".5",
    "-.5",
    "1e3",
    "1.e+3",
    "1.5e-10",
    "1.0E400",
    "1.0e5",
    "6:30",
    "06:30",
    "190:20:30",
    "-1:59",
    "1:60",
    "190:20:30.15",
    "1:2.",
    "2024-01-01",
    "2024-13-01",
    "2024-02-30",
    "2024-1-1",
    "2024-01-01 10:00:00",
    "2024-01-01T10:00:00Z",
    "2024-01-01t1:00:00.1234567 +5:30",
    "2024-01-01 10:00:00 -0530",
    "=",
    "<<",
    "text",
    "two words",
    "a#b",
    "a: b",
    "a:b",
    "a,b",
    "[x",
    "x]",
    "{}",
    "@x",
    "`x",
    "%x",
    "!x",
    "&x",
    "*x",
    "?x",
    "? x",
    "-x",
    "- x",
    ":x",
    "|x",
    "a\\b",
    "'x",
    "\"x",
    "x'",
    "don't",
    "ä",
    "\u{1f600}",
    "a\u{a0}b",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "*/5",
    "a.b",
    "12345678901234567890",
    "9007199254740993",
    "-0",
    "-0.0",
    "0.1",
    "a\tb",
    "#x",
    "...",
    "---",
    "a ? b",
    "http://x.y/?q=1",
    "\u{2003}x",
    "1\u{a0}",
    "٣",
];

/// The characters of numbers, dates and times.
const DIGITS: &[u8] = b"0123456789012345:_.+-eExbTtZ ";

/// All characters with a meaning, and some without.
const SIGNS: &[u8] = b"abc019 :#-?,[]{}&*!|>'\"%@`~=<\\/._+";

const ESCAPES: &[&str] = &[
    "\\n",
    "\\t",
    "\\\\",
    "\\\"",
    "\\/",
    "\\0",
    "\\a",
    "\\b",
    "\\e",
    "\\v",
    "\\f",
    "\\r",
    "\\ ",
    "\\_",
    "\\N",
    "\\L",
    "\\P",
    "\\x41",
    "\\xe9",
    "\\x4",
    "\\u20ac",
    "\\ud83d\\ude00",
    "\\ud800",
    "\\U0001f600",
    "\\U00110000",
    "\\q",
    "\\'",
    "\\\n  ",
    "\\\n",
    "\\\t",
];

/// One of a list.
pub(crate) fn one<'a, T: ?Sized>(rng: &mut Rng, of: &[&'a T]) -> &'a T {
    of[rng.usize(..of.len())]
}

/// Up to `longest` of these characters.
fn some(rng: &mut Rng, of: &[u8], longest: usize) -> String {
    let length = rng.usize(1..=longest);
    (0..length)
        .map(|_| char::from(of[rng.usize(..of.len())]))
        .collect()
}

/// A plain scalar, or what shall be one.
pub(crate) fn plain(rng: &mut Rng) -> String {
    match rng.u8(..8) {
        0..3 => one(rng, WORDS).to_owned(),
        3 => some(rng, DIGITS, 9),
        4 => number(rng),
        5 => time(rng),
        6 => some(rng, SIGNS, 6),
        _ => some(rng, b"abcdef", 3),
    }
}

fn number(rng: &mut Rng) -> String {
    let sign = one(rng, &["", "", "-", "+"]);
    let number = rng.u32(..) >> rng.u8(..32);
    let rest = one(
        rng,
        &[
            "", "", ".5", "_0", ":3", ":30", ":59.5", "e+2", ".0e-3", ".",
        ],
    );
    match rng.u8(..6) {
        0 => format!("{sign}0x{number:x}"),
        1 => format!("{sign}0b{number:b}"),
        2 => format!("{sign}0{number:o}"),
        _ => format!("{sign}{number}{rest}"),
    }
}

fn time(rng: &mut Rng) -> String {
    let (year, month, day) = (rng.u16(1..10000), rng.u8(..14), rng.u8(..33));
    let date = if rng.bool() {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month}-{day}")
    };
    if rng.u8(..3) == 0 {
        return date;
    }
    let (hour, minute, second) = (rng.u8(..25), rng.u8(..61), rng.u8(..61));
    let gap = one(rng, &[" ", "T", "t", "  ", "\t", "\n "]);
    let fraction = match rng.u8(..4) {
        0 => String::new(),
        1 => ".".to_owned(),
        _ => format!(".{}", some(rng, b"0123456789", 8)),
    };
    let zone = match rng.u8(..6) {
        0 => "Z".to_owned(),
        1 => " Z".to_owned(),
        2 => format!("{:+03}", rng.i8(-25..25)),
        3 => format!(" {:+}:{:02}", rng.i8(-25..25), rng.u8(..70)),
        4 => format!(
            "{}{:02}{:02}",
            one(rng, &["+", "-"]),
            rng.u8(..25),
            rng.u8(..60)
        ),
        _ => String::new(),
    };
    format!("{date}{gap}{hour:02}:{minute:02}:{second:02}{fraction}{zone}")
}

/// A text in single or double quotes, over one line or several.
pub(crate) fn quoted(rng: &mut Rng, indent: &str) -> String {
    let is_double = rng.bool();
    let mut text = String::new();
    for _ in 0..rng.u8(..4) {
        match rng.u8(..8) {
            0 | 1 if is_double => text.push_str(one(rng, ESCAPES)),
            0 | 1 => text.push_str("''"),
            2 => text.extend([one(rng, &["", " ", "\t"]), "\n", indent]),
            3 => text.extend(["\n\n", indent, " "]),
            4 => text.push(' '),
            _ => text += &plain(rng).replace(['\'', '"', '\\'], ""),
        }
    }
    let quote = if is_double { '"' } else { '\'' };
    format!("{quote}{text}{quote}")
}

/// A block scalar, its lines indented by more than `indent`.
pub(crate) fn block(rng: &mut Rng, indent: &str) -> String {
    let head = one(
        rng,
        &[
            "|", ">", "|-", ">-", "|+", ">+", "|2", ">1-", "|-1", "| # c", ">\t", "|0", "|x",
        ],
    );
    let deeper = one(rng, &[" ", "  ", "   ", ""]);
    let mut text = head.to_owned();
    for _ in 0..rng.u8(..5) {
        let line = match rng.u8(..8) {
            0 => String::new(),
            1 => format!("{indent} "),
            2 => format!("{indent}{deeper}  {}", plain(rng)),
            3 => format!("{indent}{deeper}# c"),
            4 => format!("{indent}{deeper}\t{}", plain(rng)),
            5 => format!("{indent}{deeper}{}  ", plain(rng)),
            _ => format!("{indent}{deeper}{}", plain(rng)),
        };
        text += "\n";
        text += &line;
    }
    text
}
