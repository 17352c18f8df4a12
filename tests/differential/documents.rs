//! Random YAML documents: built from all that YAML has, then often broken, or mutated from those
//! of the vectors.

use std::sync::LazyLock;

use fastrand::Rng;
use serde_json::Value;

use super::scalars::{block, one, plain, quoted};

/// The documents of the vectors.
static KNOWN: LazyLock<Vec<String>> = LazyLock::new(|| {
    let lines = include_str!("../vectors/yaml.jsonl").lines();
    let vectors = lines.map(|line| serde_json::from_str(line).expect("a vector is JSON"));
    vectors
        .filter_map(|vector: Value| Some(vector["yaml"].as_str()?.to_owned()))
        // What is refused for its depth or number of nodes is neither small nor quick.
        .filter(|text| text.len() < 2000)
        .collect()
});

/// What a mutation puts in.
const PIECES: &[&str] = &[
    " ",
    "  ",
    "\t",
    "\n",
    "\n\n",
    "\n ",
    "\n  ",
    ":",
    ": ",
    "- ",
    "-",
    "? ",
    "?",
    ",",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "&a",
    "*a",
    "*a ",
    "! ",
    "!!str ",
    "!!int ",
    "!x ",
    "'",
    "\"",
    "#",
    " #",
    "|",
    ">",
    "|\n",
    "%",
    "@",
    "`",
    "---",
    "\n---\n",
    "...",
    "\n...\n",
    "<<: ",
    "\\",
    "~",
    "0",
    "1",
    "é",
    "\u{85}",
    "\u{2028}",
    "\u{a0}",
    "\u{feff}",
    "\u{7f}",
    "\r",
    "\r\n",
    "=",
    "_",
    ".",
    "%YAML 1.1\n---\n",
];

const TAGS: &[&str] = &[
    "!!str",
    "!!int",
    "!!float",
    "!!bool",
    "!!null",
    "!!timestamp",
    "!!binary",
    "!!seq",
    "!!map",
    "!!set",
    "!!omap",
    "!!pairs",
    "!!python/tuple",
    "!!python/str",
    "!!python/int",
    "!!python/none",
    "!!python/dict",
    "!!python/list",
    "!",
    "!x",
    "!<tag:yaml.org,2002:str>",
    "!!merge",
    "!!value",
    "!!python/name:os.system",
    "!!python/complex",
    "!e!x",
    "!!python/bytes",
    "!!python/bool",
];

/// The document of that generator of random numbers.
pub(crate) fn document(rng: &mut Rng) -> String {
    let mut text = match rng.u8(..10) {
        0..4 => rng.choice(KNOWN.iter()).cloned().unwrap_or_default(),
        4 => format!("{}\n", plain(rng)),
        5 => format!("a: {}\n", plain(rng)),
        _ => Writer { rng, indent: 0 }.document(),
    };
    let mutations = [0, 0, 1, 1, 2, 3][rng.usize(..6)];
    for _ in 0..mutations {
        mutate(rng, &mut text);
    }
    text
}

/// Puts something in, takes something out, or copies a part to another place.
fn mutate(rng: &mut Rng, text: &mut String) {
    let places: Vec<usize> = text
        .char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect();
    let place = places[rng.usize(..places.len())];
    let index = rng.usize(..places.len());
    let end = places[(index + rng.usize(..6)).min(places.len() - 1)];
    let part = places[index]..end;
    match rng.u8(..6) {
        0 => text.replace_range(part, ""),
        1 => text.replace_range(part, one(rng, PIECES)),
        2 => {
            let copy = text[part].to_owned();
            text.insert_str(place, &copy);
        }
        3 => text.insert_str(place, &plain(rng)),
        _ => text.insert_str(place, one(rng, PIECES)),
    }
}

/// Writes nodes at an indentation.
struct Writer<'r> {
    rng: &'r mut Rng,
    indent: usize,
}

impl Writer<'_> {
    fn chance(&mut self, of: u8) -> bool {
        self.rng.u8(..of) == 0
    }

    fn document(&mut self) -> String {
        let head = one(
            self.rng,
            &[
                "",
                "",
                "",
                "",
                "---\n",
                "--- ",
                "# c\n",
                "%YAML 1.1\n---\n",
                "\n",
                "%TAG !e! tag:yaml.org,2002:\n---\n",
            ],
        );
        let end = one(
            self.rng,
            &["\n", "\n", "\n", "", "\n...\n", "\n# c", " # c\n", "\n\n"],
        );
        let body = match self.rng.u8(..6) {
            0 => self.value(2),
            1 => self.sequence(3),
            _ => self.mapping(3),
        };
        format!("{head}{body}{end}")
    }

    /// The properties that may stand before a node.
    fn properties(&mut self) -> String {
        match self.rng.u8(..16) {
            0 | 1 => format!("&{} ", one(self.rng, &["a", "b", "c"])),
            2 => format!("{} ", one(self.rng, TAGS)),
            3 => format!("&{} {} ", one(self.rng, &["d", "e"]), one(self.rng, TAGS)),
            _ => String::new(),
        }
    }

    /// What can stand on the line of a key or dash, and all that follows.
    fn value(&mut self, depth: u8) -> String {
        let spaces = " ".repeat(self.indent);
        let properties = self.properties();
        let node = match self.rng.u8(..12) {
            0 | 1 => quoted(self.rng, &format!("{spaces} ")),
            2 => block(self.rng, &spaces),
            3 | 4 => self.flow(depth),
            5 => format!("*{}", one(self.rng, &["a", "b", "c"])),
            6 => format!("{}\n{spaces}  {}", plain(self.rng), plain(self.rng)),
            _ => plain(self.rng),
        };
        let comment = if self.chance(12) { " # c" } else { "" };
        format!("{properties}{node}{comment}")
    }

    /// A flow collection, or a scalar within one.
    fn flow(&mut self, depth: u8) -> String {
        let mut items = Vec::new();
        for _ in 0..self.rng.u8(..4) {
            let properties = self.properties();
            let item = match self.rng.u8(..8) {
                0 if depth > 0 => self.flow(depth - 1),
                1 => quoted(self.rng, " "),
                2 => format!("*{}", one(self.rng, &["a", "b"])),
                _ => plain(self.rng),
            };
            items.push(format!("{properties}{item}"));
        }
        let comma = one(self.rng, &[", ", ", ", ",", " , ", ",\n  ", ", # c\n  "]);
        let trail = one(self.rng, &["", "", "", ",", " ", "\n "]);
        if self.rng.bool() {
            return format!("[{}{trail}]", items.join(comma));
        }
        let mut pairs = Vec::new();
        for item in items {
            let key = self.key();
            let colon = one(self.rng, &[": ", ": ", ": ", ":", " : ", ":\n  "]);
            pairs.push(format!("{key}{colon}{item}"));
        }
        format!("{{{}{trail}}}", pairs.join(comma))
    }

    fn key(&mut self) -> String {
        match self.rng.u8(..12) {
            0 => plain(self.rng),
            1 => quoted(self.rng, " "),
            2 => "<<".to_owned(),
            3 => format!("? {}", plain(self.rng)),
            4 => format!("{}{}", self.properties(), plain(self.rng)),
            5 => "[1, b]".to_owned(),
            6 => "*a ".to_owned(),
            _ => one(self.rng, &["a", "b", "c", "k", "1"]).to_owned(),
        }
    }

    fn mapping(&mut self, depth: u8) -> String {
        let count = self.rng.u8(1..5);
        let pairs = (0..count).map(|_| {
            let key = self.key();
            let colon = one(self.rng, &[": ", ": ", ": ", ":  ", " : ", ":", ":\t"]);
            if key == "<<" {
                let merged = one(self.rng, &["*a", "*b", "[*a, *b]", "{k: 1, a: 2}", "1"]);
                return format!("<<: {merged}");
            }
            let marked = if key.starts_with("? ") {
                format!("{key}\n{}", " ".repeat(self.indent))
            } else {
                key
            };
            format!("{marked}{colon}{}", self.below(depth))
        });
        let pairs: Vec<String> = pairs.collect();
        pairs.join(&self.newline())
    }

    fn sequence(&mut self, depth: u8) -> String {
        let count = self.rng.u8(1..5);
        let items = (0..count).map(|_| {
            let dash = one(self.rng, &["- ", "- ", "- ", "-   ", "-", "-\t"]);
            format!("{dash}{}", self.below(depth))
        });
        let items: Vec<String> = items.collect();
        items.join(&self.newline())
    }

    fn newline(&mut self) -> String {
        let gap = one(
            self.rng,
            &["\n", "\n", "\n", "\n\n", "\n# c\n", "\n   # c\n"],
        );
        format!("{gap}{}", " ".repeat(self.indent))
    }

    /// A value, or a collection on the lines below.
    fn below(&mut self, depth: u8) -> String {
        if depth == 0 || self.rng.u8(..3) > 0 {
            return self.value(depth);
        }
        let outer = self.indent;
        let properties = self.properties();
        self.indent += self.rng.usize(0..4);
        let lead = format!("{}\n{}", properties.trim_end(), " ".repeat(self.indent));
        let node = if self.rng.bool() {
            self.mapping(depth - 1)
        } else {
            self.sequence(depth - 1)
        };
        self.indent = outer;
        format!("{lead}{node}")
    }
}
