//! Rows of aligned cells, without lines.

use super::output::{Paint, paint};
use crate::clean;

/// One cell: its text, and its colour if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    text: String,
    paint: Option<Paint>,
}

impl Cell {
    /// A cell of that text, made harmless for a terminal.
    pub(super) fn new(text: impl AsRef<str>) -> Self {
        Self {
            text: clean::line(text.as_ref()).into_owned(),
            paint: None,
        }
    }

    /// The same in a colour.
    pub(super) fn painted(self, paint: Paint) -> Self {
        Self {
            paint: Some(paint),
            ..self
        }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// A table with a heading for each column; rows have a cell for each of them.
#[derive(Debug)]
pub(super) struct Table {
    heads: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// How far columns are apart, and how far the first is from the edge.
const GAP: usize = 2;

impl Table {
    pub(super) fn new(heads: &[&'static str]) -> Self {
        Self {
            heads: heads.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// Leaves out columns of these headings, in that order, until the rest is no wider than
    /// `width`.
    pub(super) fn fit(&mut self, width: usize, dispensable: &[&str]) {
        for head in dispensable {
            let wide: usize = (0..self.heads.len()).map(|at| GAP + self.width(at)).sum();
            let place = self.heads.iter().position(|other| other == head);
            let Some(place) = place.filter(|_| wide > width) else {
                return;
            };
            self.heads.remove(place);
            for row in &mut self.rows {
                row.remove(place);
            }
        }
    }

    /// The lines of it, the headings first.
    pub(super) fn lines(&self, color: bool) -> Vec<String> {
        let heads = self.heads.iter().map(Cell::new).collect();
        let all = std::iter::once(&heads).chain(&self.rows);
        all.map(|row| self.line(row, color)).collect()
    }

    fn line(&self, row: &[Cell], color: bool) -> String {
        let mut line = String::new();
        let mut space = GAP;
        for (column, cell) in row.iter().enumerate() {
            if !cell.text.is_empty() {
                line.push_str(&" ".repeat(space));
                space = 0;
            }
            match cell.paint {
                Some(colour) if !cell.text.is_empty() => {
                    line.push_str(&paint(&cell.text, colour, color));
                }
                Some(_) | None => line.push_str(&cell.text),
            }
            space += self.width(column) - cell.width() + GAP;
        }
        line
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[column].width());
        cells.chain([self.heads[column].len()]).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_the_least_needed_are_left_out() {
        let mut table = Table::new(&["JOB", "WHY", "RUN"]);
        let row = |cells: [&str; 3]| cells.iter().map(Cell::new).collect::<Vec<_>>();
        table.push(row(["größer", "", "1"]));
        table.push(row(["a\x1b", "because", ""]));
        let expected = [
            "  JOB     WHY      RUN",
            "  größer           1",
            "  a␛      because",
        ];
        assert_eq!(table.lines(false), expected);
        table.fit(22, &["WHY"]);
        assert_eq!(table.lines(false), expected);
        table.fit(21, &["WHY", "RUN"]);
        assert_eq!(table.lines(false), ["  JOB     RUN", "  größer  1", "  a␛"]);
    }
}
