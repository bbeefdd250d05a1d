//! Rows in aligned columns.

use std::io;

use unicode_width::UnicodeWidthStr;

use super::Screen;

/// Widest a column gets; what is longer is cut, so that a line stays one line.
const WIDEST: usize = 60;

/// A table with a head. Every cell is made safe to show.
#[derive(Debug, Clone)]
pub struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

// === impl Table ===

impl Table {
    /// An empty table with these columns.
    #[must_use]
    pub fn new(head: &[&'static str]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; a cell for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(|cell| shortened(&cell));
        self.rows.push(cells.collect());
    }

    /// Writes it; without rows it writes `nothing` instead.
    ///
    /// # Errors
    /// When the screen cannot be written.
    pub fn show(&self, screen: &mut Screen<'_>, nothing: &str) -> io::Result<()> {
        if self.rows.is_empty() {
            return screen.line(nothing);
        }
        let widths: Vec<usize> = (0..self.head.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.width()).chain([self.head[column].width()]).max().unwrap_or(0)
            })
            .collect();
        let head: Vec<String> = self.head.iter().map(|name| (*name).to_owned()).collect();
        let head = aligned(&head, &widths);
        let head = screen.dim(&head);
        screen.line(&head)?;
        self.rows.iter().try_for_each(|row| screen.line(&aligned(row, &widths)))
    }
}

fn aligned(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', width + 2 - cell.width().min(*width)));
    }
    line.truncate(line.trim_end().len());
    line
}

fn shortened(cell: &str) -> String {
    // Four bytes are the most a character has, so this only bounds the work.
    let line = domain::text::one_line(cell, WIDEST * 4);
    if line.width() <= WIDEST {
        return line;
    }
    let mut width = 0;
    let mut short: String = line
        .chars()
        .take_while(|character| {
            width += unicode_width::UnicodeWidthChar::width(*character).unwrap_or(0);
            width < WIDEST
        })
        .collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(table: &Table) -> String {
        let mut bytes = Vec::new();
        table.show(&mut Screen::new(&mut bytes, false), "nothing here").unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn columns_align_also_in_chinese() {
        let mut table = Table::new(&["NAME", "TEXT", "N"]);
        assert_eq!(shown(&table), "nothing here\n");
        table.row(["a".into(), "привет".into(), "1".into()]);
        table.row(["long-name".into(), "你好".into(), String::new()]);
        table.row(["b".into(), "a\n\u{1b}[31mb".into(), "2".into()]);
        assert_eq!(
            shown(&table),
            "NAME       TEXT      N\n\
             a          привет    1\n\
             long-name  你好\n\
             b          a  [31mb  2\n"
        );
    }

    #[test]
    fn long_cells_are_cut_to_one_width() {
        let mut table = Table::new(&["T"]);
        table.row(["x".repeat(100)]);
        table.row(["你".repeat(100)]);
        let text = shown(&table);
        let widths: Vec<usize> = text.lines().skip(1).map(UnicodeWidthStr::width).collect();
        assert_eq!(widths, [60, 59]);
    }
}
