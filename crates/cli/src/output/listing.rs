//! Many records: a table, an array, or lines.

use super::{Format, Out, Record};
use crate::failure::Outcome;
use comfy_table::{CellAlignment, ContentArrangement, Table};

/// Rows that a table lays out together; a longer list is printed in several such parts.
const TABLE_ROWS: usize = 10_000;

/// A list that is being printed.
pub(crate) struct Listing<'o> {
    out: &'o Out,
    columns: Vec<&'static str>,
    rows: Vec<Record>,
    count: u64,
    headless: bool,
}

impl<'o> Listing<'o> {
    pub(super) fn new(out: &'o Out, columns: &[&'static str]) -> Self {
        Self {
            out,
            columns: columns.to_vec(),
            rows: Vec::new(),
            count: 0,
            headless: false,
        }
    }

    /// Leaves the line of column names out.
    #[must_use]
    pub(crate) fn headless(mut self) -> Self {
        self.headless = true;
        self
    }

    pub(crate) fn push(&mut self, record: Record) -> Outcome {
        self.count += 1;
        match self.out.format {
            Format::Table => {
                self.rows.push(record);
                if self.rows.len() >= TABLE_ROWS {
                    self.print_table()?;
                }
                Ok(())
            }
            Format::Jsonl => self.out.line(&record.json()),
            Format::Json => {
                let before = if self.count == 1 { "[\n" } else { ",\n" };
                use std::io::Write as _;
                Ok(write!(self.out.raw(), "{before}{}", record.json())?)
            }
        }
    }

    /// How many records were pushed.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Prints what was pushed so far, for a reader who waits.
    pub(crate) fn show_now(&mut self) -> Outcome {
        self.print_table()?;
        self.out.flush()
    }

    pub(crate) fn end(mut self) -> Outcome {
        match self.out.format {
            Format::Table => self.print_table(),
            Format::Jsonl => Ok(()),
            Format::Json if self.count == 0 => self.out.line("[]"),
            Format::Json => self.out.line("\n]"),
        }
    }

    /// The name of a column: what is shown as an age is called one.
    fn headline(&self, name: &str) -> String {
        let is_age = |row: &Record| matches!(row.get(name), Some(super::Field::Age(_)));
        if self.rows.iter().any(is_age) {
            return "AGE".to_owned();
        }
        name.to_uppercase().replace('_', " ")
    }

    fn print_table(&mut self) -> Outcome {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        // A pipe gets whole lines: only a terminal's table is folded to fit.
        if let Some(width) = Out::terminal_width() {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width);
        }
        if !self.headless {
            table.set_header(self.columns.iter().map(|name| self.headline(name)));
            self.headless = true;
        }
        let numbers: Vec<bool> = self
            .columns
            .iter()
            .map(|name| {
                self.rows
                    .iter()
                    .any(|row| row.get(name).is_some_and(super::Field::is_number))
            })
            .collect();
        for row in self.rows.drain(..) {
            let cell = |name: &&'static str| row.get(name).map_or_else(String::new, super::Field::human);
            table.add_row(self.columns.iter().map(cell));
        }
        for (index, is_number) in numbers.into_iter().enumerate() {
            if let Some(column) = table.column_mut(index) {
                column.set_padding((0, 2));
                if is_number {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        for line in table.lines() {
            self.out.line(line.trim_end())?;
        }
        Ok(())
    }
}
