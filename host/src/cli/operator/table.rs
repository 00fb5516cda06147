//! Tables with aligned columns. On a terminal wide columns are cut so that a row fits.

use console::{Alignment, Term, measure_text_width, pad_str, truncate_str};

const GAP: &str = "  ";

/// No column is cut to less than this width.
const NARROWEST: usize = 8;

pub struct Column {
    name: &'static str,
    is_flexible: bool,
}

/// Printed in parts, as rows become known: a part is aligned with the previous parts,
/// unless it is wider.
pub struct Table {
    columns: &'static [Column],
    widths: Vec<usize>,
    /// None: rows may have any width.
    room: Option<usize>,
    has_head: bool,
}

/// The width of the terminal. None: standard output is not a terminal, or its width
/// is unknown.
pub fn terminal_width() -> Option<usize> {
    let (_, columns) = Term::stdout().size_checked()?;
    Some(columns.into())
}

impl Column {
    /// It is never cut.
    pub const fn fixed(name: &'static str) -> Self {
        Self {
            name,
            is_flexible: false,
        }
    }

    /// It may be cut.
    pub const fn flexible(name: &'static str) -> Self {
        Self {
            name,
            is_flexible: true,
        }
    }
}

impl Table {
    pub fn new(columns: &'static [Column], room: Option<usize>) -> Self {
        Self {
            columns,
            widths: columns.iter().map(|column| column.name.len()).collect(),
            room,
            has_head: false,
        }
    }

    /// The lines of these rows; the names of the columns come before the first rows.
    pub fn lines(&mut self, rows: &[Vec<String>]) -> String {
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(measure_text_width(cell));
            }
        }
        self.fit();
        let mut lines = String::new();
        if !self.has_head {
            self.has_head = true;
            let names: Vec<_> = self
                .columns
                .iter()
                .map(|column| column.name.to_owned())
                .collect();
            self.line(&names, &mut lines);
        }
        for row in rows {
            self.line(row, &mut lines);
        }
        lines
    }

    /// Narrows the widest column that may be cut, until a row fits or all are narrow. A
    /// last column that may not be cut continues on the next line of the terminal.
    fn fit(&mut self) {
        let Some(room) = self.room else {
            return;
        };
        let is_free = |column: &Column| !column.is_flexible;
        let free = usize::from(self.columns.last().is_some_and(is_free));
        let fitted = self.widths.len().saturating_sub(free);
        let widths = self.widths.iter().take(fitted);
        let mut excess = widths.map(|width| width + GAP.len()).sum::<usize>();
        excess = excess.saturating_sub(room + GAP.len());
        while excess > 0 {
            let flexible = self.widths.iter_mut().zip(self.columns);
            let flexible = flexible.filter(|(_, column)| column.is_flexible);
            let widest = flexible.map(|(width, _)| width).max_by_key(|width| **width);
            match widest {
                Some(width) if *width > NARROWEST => *width -= 1,
                _ => return,
            }
            excess -= 1;
        }
    }

    fn line(&self, cells: &[String], lines: &mut String) {
        let cells = cells.iter().zip(&self.widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| {
                let cut = truncate_str(cell, *width, "…");
                pad_str(&cut, *width, Alignment::Left, None).into_owned()
            })
            .collect();
        lines.push_str(cells.join(GAP).trim_end());
        lines.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column::fixed("ID"),
        Column::flexible("USER"),
        Column::flexible("WHAT"),
    ];

    fn rows<const N: usize>(rows: &[[&str; N]]) -> Vec<Vec<String>> {
        let owned = |row: &[&str; N]| row.map(str::to_owned).to_vec();
        rows.iter().map(owned).collect()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(COLUMNS, None);
        let lines = table.lines(&rows(&[["1", "ada", "語"], ["22", "b", "lighter"]]));
        assert_eq!(lines, "ID  USER  WHAT\n1   ada   語\n22  b     lighter\n");
        let lines = table.lines(&rows(&[["3", "語語語", "x"]]));
        assert_eq!(lines, "3   語語語  x\n", "a later part, without names");
    }

    #[test]
    fn wide_columns_are_cut_to_fit() {
        let mut table = Table::new(COLUMNS, Some(24));
        let lines = table.lines(&rows(&[[
            "1",
            "a user of a long name",
            "make it much lighter",
        ]]));
        assert_eq!(lines, "ID  USER       WHAT\n1   a user o…  make it …\n");
        let wide: Vec<_> = lines.lines().map(measure_text_width).collect();
        assert!(wide.iter().all(|width| *width <= 24), "{wide:?}");
    }

    #[test]
    fn a_last_column_that_is_not_cut_takes_nothing_from_the_others() {
        const LAST: &[Column] = &[Column::flexible("WHO"), Column::fixed("WHY")];
        let mut table = Table::new(LAST, Some(20));
        let reason = "a reason that is longer than the terminal is wide";
        let lines = table.lines(&rows(&[["an operator", reason]]));
        assert_eq!(lines, format!("WHO          WHY\nan operator  {reason}\n"));
    }

    #[test]
    fn what_cannot_be_cut_stays_whole() {
        let mut table = Table::new(COLUMNS, Some(10));
        let id = "0123456789abcdef";
        let lines = table.lines(&rows(&[[id, "ada", "語語語語語語語"]]));
        assert!(lines.contains(id), "{lines}");
        assert!(lines.contains("語語語…"), "{lines}");
    }
}
