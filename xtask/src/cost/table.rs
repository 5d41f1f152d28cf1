//! A text table: the first column left-aligned, the others right-aligned.

use std::fmt::Write;

/// A header and rows. Missing cells at the end of a row are empty.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates a table without rows.
    pub fn new(header: &[&str]) -> Self {
        Self {
            rows: vec![header.iter().map(|cell| (*cell).to_owned()).collect()],
        }
    }

    /// Adds a row.
    pub fn push(&mut self, mut cells: Vec<String>) {
        cells.resize(self.rows[0].len(), String::new());
        self.rows.push(cells);
    }

    /// Formats the table with aligned columns.
    pub fn text(&self) -> String {
        let widths = self.widths();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let _ = match column {
                    0 => write!(line, "{cell:<width$}"),
                    _ => write!(line, "  {cell:>width$}"),
                };
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }

    /// Formats the table as Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            text += &format!("| {} |\n", row.join(" | "));
            if index == 0 {
                text += &format!("|---|{}\n", "---:|".repeat(row.len() - 1));
            }
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        };
        (0..self.rows[0].len()).map(width).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["", "lines", "s"]);
        table.push(vec!["one ÷ two".into(), "7".into(), "10.5".into()]);
        table.push(vec!["b".into(), "none".into()]);
        table
    }

    #[test]
    fn columns_are_aligned() {
        let expected = [
            "           lines     s\n",
            "one ÷ two      7  10.5\n",
            "b           none\n",
        ]
        .concat();
        assert_eq!(table().text(), expected);
    }

    #[test]
    fn markdown_has_a_separator_below_the_header() {
        let expected = "\
|  | lines | s |
|---|---:|---:|
| one ÷ two | 7 | 10.5 |
| b | none |  |
";
        assert_eq!(table().markdown(), expected);
    }
}
