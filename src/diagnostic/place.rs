//! Where an offset is: lines and columns from 1, columns in characters.

/// The beginnings of a text's lines, found once.
///
/// A line ends with `\n`, `\r\n` or `\r`, as in YAML.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl<'a> Lines<'a> {
    /// The lines of `text`.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let ends = (0..bytes.len()).filter(|&at| match bytes[at] {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0).chain(ends.map(|at| at + 1)).collect();
        Self { text, starts }
    }

    /// Where the byte at `offset` is; an offset beyond the text is its end.
    #[must_use]
    pub fn position(&self, offset: u32) -> Position {
        let line = self.number(offset);
        let offset = self.floor(offset);
        let column = self.text[self.starts[line - 1]..offset].chars().count() + 1;
        Position { line, column }
    }

    /// The number of the line that the byte at `offset` is in.
    #[must_use]
    pub fn number(&self, offset: u32) -> usize {
        let offset = self.floor(offset);
        self.starts.partition_point(|&start| start <= offset)
    }

    /// The text of that line, without its end; empty where there is no such line.
    #[must_use]
    pub fn line(&self, line: usize) -> &'a str {
        let Some(&start) = line.checked_sub(1).and_then(|index| self.starts.get(index)) else {
            return "";
        };
        let end = self.starts.get(line).copied().unwrap_or(self.text.len());
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }

    /// The offset of the first byte of that line; the text's end where there is no such line.
    #[must_use]
    pub fn start(&self, line: usize) -> usize {
        let index = line.saturating_sub(1);
        self.starts.get(index).copied().unwrap_or(self.text.len())
    }

    /// The offset, moved back to the beginning of a character.
    fn floor(&self, offset: u32) -> usize {
        let mut offset = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let lines = Lines::of("größe: 1\r\nb: 你好x\rc");
        let at = |offset| {
            let Position { line, column } = lines.position(offset);
            (line, column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(5), (1, 4), "behind two characters of two bytes");
        assert_eq!(at(12), (2, 1));
        assert_eq!(at(21), (2, 6));
        assert_eq!(at(23), (3, 1));
        assert_eq!(at(999), (3, 2));
        assert_eq!(lines.line(2), "b: 你好x");
        assert_eq!(lines.line(3), "c");
        assert_eq!(lines.line(4), "");
        assert_eq!(lines.line(0), "");
    }

    #[test]
    fn an_empty_text_has_one_line() {
        assert_eq!(Lines::of("").position(0), Position { line: 1, column: 1 });
    }
}
