//! Printing: tables for people, JSON for programs. Sizes and ages are human in tables and exact in JSON.
//!
//! Invariants: the names of JSON fields are stable; a name that is not UTF-8 is escaped, and its bytes stand
//! beside it in hexadecimal.

mod field;
mod listing;

pub(crate) use field::{Field, Record, kind_word, show_size};
pub(crate) use listing::Listing;

use crate::failure::Outcome;
use std::cell::{RefCell, RefMut};
use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// Tables and lines for people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One JSON object per line
    Jsonl,
}

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 64 << 10;

/// Standard output, and what belongs to it.
pub(crate) struct Out {
    pub(crate) format: Format,
    pub(crate) quiet: bool,
    stdout: RefCell<BufWriter<Stdout>>,
}

impl Out {
    pub(crate) fn new(format: Format, quiet: bool) -> Self {
        Self {
            format,
            quiet,
            stdout: RefCell::new(BufWriter::with_capacity(BUFFER_BYTES, io::stdout())),
        }
    }

    /// The writer itself, for bodies.
    pub(crate) fn raw(&self) -> RefMut<'_, BufWriter<Stdout>> {
        self.stdout.borrow_mut()
    }

    pub(crate) fn flush(&self) -> Outcome {
        Ok(self.raw().flush()?)
    }

    /// Prints a line as it is.
    pub(crate) fn line(&self, text: &str) -> Outcome {
        Ok(writeln!(self.raw(), "{text}")?)
    }

    /// Prints one record: lines of `key: value`, or an object.
    pub(crate) fn record(&self, record: &Record) -> Outcome {
        if self.format != Format::Table {
            return self.line(&record.json());
        }
        let width = record
            .fields()
            .iter()
            .map(|(key, _)| key.len())
            .max()
            .unwrap_or(0);
        for (key, field) in record.fields() {
            self.line(&format!("{key:width$}  {}", field.human()))?;
        }
        Ok(())
    }

    /// Prints what a changing verb did: one line for people (none when quiet), an object for programs.
    pub(crate) fn done(&self, summary: &str, record: &Record) -> Outcome {
        match self.format {
            Format::Table if self.quiet => Ok(()),
            Format::Table => self.line(summary),
            Format::Json | Format::Jsonl => self.line(&record.json()),
        }
    }

    /// Prints what a check found: a table of the findings for people, one object with the counts and the findings
    /// for programs.
    pub(crate) fn findings(
        &self,
        columns: &[&'static str],
        findings: Vec<Record>,
        counts: Record,
    ) -> Outcome {
        if self.format != Format::Table {
            return self.line(&counts.with("findings", Field::Records(findings)).json());
        }
        let mut list = self.listing(columns);
        for finding in findings {
            list.push(finding)?;
        }
        list.end()
    }

    /// Begins a list of records, of which the table shows these columns.
    pub(crate) fn listing<'o>(&'o self, columns: &[&'static str]) -> Listing<'o> {
        Listing::new(self, columns)
    }

    /// Columns of the terminal, if there is one.
    fn terminal_width() -> Option<u16> {
        io::stdout()
            .is_terminal()
            .then(|| console::Term::stdout().size().1)
    }
}
