//! Tables: a heading in capitals, two spaces between columns, no lines.

use comfy_table::{ColumnConstraint, ContentArrangement, Row, Table, presets};

use super::output::{Paint, paint};
use crate::clean;

/// A table under these headings, each line indented by two spaces and ended by a line break.
///
/// Where the lines would be longer than `width` columns, only the cells of the column `flexible`
/// are cut: names, times and results are never.
pub(super) fn text<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    flexible: usize,
    width: usize,
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(u16::MAX))
        .set_header(one_line(&headings.map(str::to_owned)));
    for row in rows {
        table.add_row(one_line(&row));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if index == 0 { 2 } else { 0 }, 2));
        if index != flexible {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table
        .lines()
        .fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// A row whose cells are cut where they do not fit, not continued on a second line.
fn one_line(cells: &[String]) -> Row {
    let cells = cells.iter().map(|cell| clean::line(cell).into_owned());
    let mut row = Row::from(cells.collect::<Vec<_>>());
    row.max_height(1);
    row
}

/// The table, with one cell of each row in a colour: `cells` has them in the order of the rows, as
/// they stand in the table.
pub(super) fn painted<'a>(
    table: &str,
    cells: impl IntoIterator<Item = (&'a str, Paint)>,
    color: bool,
) -> String {
    if !color {
        return table.to_owned();
    }
    let mut cells = cells.into_iter();
    let mut lines = table.lines();
    let heading = lines.next().into_iter().map(str::to_owned);
    let rows = lines.map(|line| match cells.next() {
        // A gap is before every cell, so that a part of a name is not taken for it.
        Some((cell, colour)) => line.replacen(
            &format!("  {cell}"),
            &format!("  {}", paint(cell, colour, true)),
            1,
        ),
        None => line.to_owned(),
    });
    heading
        .chain(rows)
        .fold(String::new(), |text, line| text + &line + "\n")
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

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        assert_eq!(
            text(["JOB", "NEXT", "SCHEDULE"], rows(), 2, 100),
            "  JOB             NEXT      SCHEDULE
  test.heartbeat  09:31:12  every minute
  größe 你好      never     at 00:01 on day 1 of every month
"
        );
    }

    #[test]
    fn only_the_flexible_column_is_cut() {
        assert_eq!(
            text(["JOB", "NEXT", "SCHEDULE"], rows(), 2, 46),
            "  JOB             NEXT      SCHEDULE
  test.heartbeat  09:31:12  every minute
  größe 你好      never     at 00:01 on day…
"
        );
    }

    #[test]
    fn a_heading_is_one_line_however_narrow_the_screen_is() {
        let table = text(["JOB", "NEXT", "SCHEDULE"], rows(), 2, 20);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 3, "{table}");
        assert!(
            lines[0].starts_with("  JOB             NEXT      "),
            "{table}"
        );
    }

    #[test]
    fn one_cell_of_a_row_may_have_a_colour() {
        let rows = [
            ["ok".to_owned(), "a".to_owned()],
            ["b".to_owned(), "no".to_owned()],
        ];
        let table = text(["JOB", "RESULT"], rows, 0, 80);
        let cells = || [("a", Paint::Good), ("no", Paint::Error)];
        assert_eq!(painted(&table, cells(), false), table);
        assert_eq!(
            painted(&table, cells(), true),
            "  JOB  RESULT\n  ok   \x1b[32ma\x1b[0m\n  b    \x1b[1m\x1b[31mno\x1b[0m\n"
        );
    }

    #[test]
    fn nothing_in_a_cell_moves_the_cursor() {
        let rows = [["a\x1b[2Jb\nc".to_owned()]];
        assert_eq!(text(["JOB"], rows, 0, 80), "  JOB\n  a␛[2Jb␊c\n");
    }
}
