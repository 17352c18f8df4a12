//! Tables: a heading in capitals, two spaces between columns, no lines; as wide as the screen at
//! most, unless what must be read in full is wider.

use std::ops::Range;

use comfy_table::{ColumnConstraint, ContentArrangement, Row, Table, presets};

use super::output::{Paint, paint};
use crate::clean;

/// How a column gives way where the lines would be longer than the screen is wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spare {
    /// Its cells are cut; it is left out where too little of them would be left.
    Cut(usize),
    /// It is left out: its cells are read in full or not at all.
    Whole(usize),
}

/// So much of a cell says something, in columns of the screen: less is left out.
const LEAST: usize = 8;

/// Between columns, and before the first.
const GAP: u16 = 2;

/// A table under these headings, each line indented by two spaces and ended by a line break.
///
/// Where the lines would be longer than `width` columns, those of the table that have no cell are
/// left out, then the `spare` ones give way, the first first. All others stay as they are.
pub(super) fn text<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    spare: &[Spare],
    width: usize,
) -> String {
    let rows = rows.into_iter().map(|row| row.map(|cell| one_line(&cell)));
    let rows: Vec<[String; N]> = rows.collect();
    let headings = headings.map(str::to_owned);
    let layout = Layout::of(&headings, &rows, spare, width);
    let mut table = layout.table(&headings, &rows);
    if layout.cut.is_some() {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    for (place, column) in table.column_iter_mut().enumerate() {
        let is_last = place + 1 == layout.shown.len();
        column.set_padding((
            if place == 0 { GAP } else { 0 },
            if is_last { 0 } else { GAP },
        ));
        if layout.cut != Some(layout.shown[place]) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table
        .lines()
        .fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

fn one_line(cell: &str) -> String {
    clean::line(cell).into_owned()
}

/// What is shown of a table.
struct Layout {
    /// The columns that are shown, by their indices.
    shown: Vec<usize>,
    /// The one whose cells are cut.
    cut: Option<usize>,
}

impl Layout {
    fn of<const N: usize>(
        headings: &[String; N],
        rows: &[[String; N]],
        spare: &[Spare],
        width: usize,
    ) -> Self {
        let mut layout = Self {
            shown: (0..N).collect(),
            cut: None,
        };
        let widths = layout.table(headings, rows).column_max_content_widths();
        if layout.excess(&widths, width) > 0 {
            let has_cell = |index: &usize| rows.iter().any(|row| !row[*index].is_empty());
            layout
                .shown
                .retain(|index| rows.is_empty() || has_cell(index));
        }
        for one in spare {
            let excess = layout.excess(&widths, width);
            if excess == 0 || layout.cut.is_some() {
                break;
            }
            layout.give_way(*one, &widths, excess);
        }
        layout
    }

    /// By how many columns of the screen the lines are longer than `width`.
    fn excess(&self, widths: &[u16], width: usize) -> usize {
        let one = |index: &usize| usize::from(GAP) + usize::from(widths[*index]);
        let length: usize = self.shown.iter().map(one).sum();
        length.saturating_sub(width)
    }

    /// Cuts a column by `excess`, or leaves it out.
    fn give_way(&mut self, spare: Spare, widths: &[u16], excess: usize) {
        match spare {
            Spare::Cut(index) if usize::from(widths[index]) >= excess + LEAST => {
                self.cut = self.shown.contains(&index).then_some(index);
            }
            Spare::Cut(index) | Spare::Whole(index) => self.shown.retain(|shown| *shown != index),
        }
    }

    /// The columns that are shown.
    fn table<const N: usize>(&self, headings: &[String; N], rows: &[[String; N]]) -> Table {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_header(self.row(headings));
        table.add_rows(rows.iter().map(|row| self.row(row)));
        table
    }

    /// A row whose cells are cut where they do not fit, not continued on a second line.
    fn row(&self, cells: &[String]) -> Row {
        let mut row = Row::from(self.shown.iter().map(|index| &cells[*index]));
        row.max_height(1);
        row
    }
}

/// The table of these rows, as it is without colour, with the cell of each row in the column
/// `column` in its own one of `colours`.
pub(super) fn painted<const N: usize>(
    table: &str,
    rows: &[[String; N]],
    column: usize,
    colours: &[Paint],
) -> String {
    let mut lines = table.lines();
    let heading = lines.next().into_iter().map(str::to_owned);
    let rows = lines.zip(rows).zip(colours);
    let rows = rows.map(|((line, row), colour)| {
        let cells = row[..=column].iter().map(|cell| one_line(cell));
        let Some(place) = last(line, cells) else {
            return line.to_owned();
        };
        let cell = paint(&line[place.clone()], *colour, true);
        [&line[..place.start], &cell, &line[place.end..]].concat()
    });
    heading
        .chain(rows)
        .fold(String::new(), |text, line| text + &line + "\n")
}

/// Which bytes of a line have the last of its first cells, where these are in it uncut.
fn last(line: &str, cells: impl IntoIterator<Item = String>) -> Option<Range<usize>> {
    cells.into_iter().try_fold(0..0, |before, cell| {
        // Only spaces stand between the cells.
        let start = before.end + line[before.end..].find(&cell)?;
        Some(start..start + cell.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> [[String; 3]; 2] {
        [
            ["test.heartbeat", "09:31:12", "every minute"],
            ["größe 你好", "never", "at 00:01 on day 1 of every month"],
        ]
        .map(|row| row.map(str::to_owned))
    }

    fn shown(width: usize) -> String {
        let heads = ["JOB", "NEXT", "SCHEDULE"];
        text(heads, rows(), &[Spare::Cut(2)], width)
    }

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        assert_eq!(
            shown(100),
            "  JOB             NEXT      SCHEDULE
  test.heartbeat  09:31:12  every minute
  größe 你好      never     at 00:01 on day 1 of every month
"
        );
    }

    #[test]
    fn what_fits_is_not_cut() {
        let whole = shown(100);
        let letters = whole.lines().map(|line| line.chars().count()).max();
        // Two letters of the longest line are two columns wide each.
        let width = letters.unwrap() + 2;
        assert_eq!(shown(width), whole);
        let cut = shown(width - 1);
        assert!(cut.ends_with(" of ever…\n"), "{cut}");
    }

    #[test]
    fn only_the_spare_column_is_cut() {
        assert_eq!(
            shown(46),
            "  JOB             NEXT      SCHEDULE
  test.heartbeat  09:31:12  every minute
  größe 你好      never     at 00:01 on day 1…
"
        );
    }

    #[test]
    fn a_column_of_which_too_little_would_be_left_is_left_out() {
        assert!(shown(36).contains("  at 00:0…\n"), "{}", shown(36));
        let without = "  JOB             NEXT
  test.heartbeat  09:31:12
  größe 你好      never
";
        for width in [35, 26, 20, 1, 0] {
            assert_eq!(shown(width), without, "{width}");
        }
    }

    #[test]
    fn spare_columns_give_way_in_their_order_and_empty_ones_before_them() {
        let row = ["a", "-", "", "three times", "every minute"].map(str::to_owned);
        let heads = ["JOB", "LAST", "", "NOTE", "SCHEDULE"];
        let spare = [Spare::Cut(4), Spare::Whole(3)];
        let shown = |width| text(heads, [row.clone()], &spare, width);
        for (width, expected) in [
            (41, "  a    -        three times  every minute"),
            (40, "  a    -     three times  every minute"),
            (38, "  a    -     three times  every minute"),
            (37, "  a    -     three times  every…"),
            (34, "  a    -     three times  every…"),
            (33, "  a    -     three times"),
            (24, "  a    -     three times"),
            (23, "  a    -"),
            (3, "  a    -"),
        ] {
            let table = shown(width);
            assert_eq!(table.lines().nth(1), Some(expected), "{width}: {table}");
        }
    }

    #[test]
    fn one_cell_of_a_row_may_have_a_colour() {
        // The names begin with the results, or hold them.
        let rows = [["ok.task", "ok"], ["你  no\t", "no"], ["b", ""]];
        let rows = rows.map(|row| row.map(str::to_owned));
        let table = text(["JOB", "RESULT"], rows.clone(), &[], 80);
        assert_eq!(
            painted(&table, &rows, 1, &[Paint::Good, Paint::Error, Paint::Name]),
            "  JOB      RESULT\n  ok.task  \x1b[32mok\x1b[0m\n  \
             你  no→  \x1b[1m\x1b[31mno\x1b[0m\n  b\x1b[1m\x1b[0m\n"
        );
    }

    #[test]
    fn nothing_in_a_cell_moves_the_cursor() {
        let rows = [["a\x1b[2Jb\nc".to_owned()]];
        assert_eq!(text(["JOB"], rows, &[], 80), "  JOB\n  a␛[2Jb␊c\n");
    }
}
