//! A value and its two faces.

use crate::moment::{now, show_age};
pub(crate) use nokv_types::show_size;
use nokv_types::{FileKind, ObjectId, show_bytes};
use nokv_types::{show_exact, show_time};
use std::fmt::Write as _;

/// A value that is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Field {
    /// Words.
    Text(String),
    /// A name or path, which need not be UTF-8.
    Bytes(Vec<u8>),
    /// A number of bytes.
    Size(u64),
    /// Any other number.
    Number(u64),
    /// A moment, ns since 1970; shown as an age, and exactly in JSON: its name is that of the moment.
    Age(i64),
    /// A moment, ns since 1970; shown as a date.
    Time(i64),
    /// Kind and permission bits.
    Mode(FileKind, u32),
    /// Yes or no.
    Flag(bool),
    /// The id of an object.
    Object(ObjectId),
    /// What belongs to it, one by one; shown as their number.
    Records(Vec<Record>),
    /// Nothing to say.
    None,
}

impl Field {
    /// A field that may be missing.
    pub(crate) fn or_none<T>(value: Option<T>, field: impl FnOnce(T) -> Field) -> Field {
        value.map_or(Field::None, field)
    }

    /// For people.
    pub(crate) fn human(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => show_bytes(bytes),
            Self::Size(bytes) => show_size(*bytes),
            Self::Number(number) => number.to_string(),
            Self::Age(ns) => show_age(*ns, now()),
            Self::Time(ns) => show_time(*ns),
            Self::Mode(kind, mode) => show_mode(*kind, *mode),
            Self::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            Self::Object(object) => format!("{:032x}", object.0),
            Self::Records(records) => records.len().to_string(),
            Self::None => "-".to_owned(),
        }
    }

    fn json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.clone().into(),
            Self::Bytes(bytes) => show_whole(bytes).into(),
            Self::Size(number) | Self::Number(number) => (*number).into(),
            Self::Age(ns) | Self::Time(ns) => show_exact(*ns).into(),
            Self::Mode(_, mode) => format!("{mode:04o}").into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Object(object) => format!("{:032x}", object.0).into(),
            Self::Records(_) | Self::None => serde_json::Value::Null,
        }
    }

    /// Whether the table sets it to the right.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Size(_) | Self::Number(_) | Self::Age(_))
    }
}

/// Fields in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Record(Vec<(&'static str, Field)>);

impl Record {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub(crate) fn with(mut self, key: &'static str, field: Field) -> Self {
        self.0.push((key, field));
        self
    }

    /// The same record with another value in a field.
    #[must_use]
    pub(crate) fn replace(mut self, key: &str, field: Field) -> Self {
        if let Some(slot) = self.0.iter_mut().find(|(name, _)| *name == key) {
            slot.1 = field;
        }
        self
    }

    /// The same record with another name for a field.
    #[must_use]
    pub(crate) fn rename(mut self, key: &str, to: &'static str) -> Self {
        if let Some(slot) = self.0.iter_mut().find(|(name, _)| *name == key) {
            slot.0 = to;
        }
        self
    }

    pub(crate) fn fields(&self) -> &[(&'static str, Field)] {
        &self.0
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Field> {
        self.0
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, field)| field)
    }

    /// The object, with fields in the order of the record.
    pub(crate) fn json(&self) -> String {
        let mut text = String::from("{");
        for (key, field) in &self.0 {
            if text.len() > 1 {
                text.push(',');
            }
            let value = match field {
                Field::Records(records) => {
                    let all: Vec<String> = records.iter().map(Record::json).collect();
                    format!("[{}]", all.join(","))
                }
                single => single.json().to_string(),
            };
            let _string_never_fails = write!(text, "{}:{value}", serde_json::Value::from(*key));
            if let Field::Bytes(bytes) = field
                && std::str::from_utf8(bytes).is_err()
            {
                let _string_never_fails = write!(text, ",\"{key}_hex\":\"{}\"", hex(bytes));
            }
        }
        text.push('}');
        text
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _string_never_fails = write!(text, "{byte:02x}");
        text
    })
}

/// Valid UTF-8 as it is; anything else with its odd bytes escaped.
fn show_whole(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.chunks(200).map(show_bytes).collect(),
    }
}

/// A letter of each kind, as `ls` has them.
pub(crate) fn kind_letter(kind: FileKind) -> char {
    match kind {
        FileKind::File => '-',
        FileKind::Directory => 'd',
        FileKind::Symlink => 'l',
        FileKind::Fifo => 'p',
        FileKind::Socket => 's',
        FileKind::CharDevice => 'c',
        FileKind::BlockDevice => 'b',
    }
}

/// The word for each kind.
pub(crate) fn kind_word(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => "file",
        FileKind::Directory => "directory",
        FileKind::Symlink => "symlink",
        FileKind::Fifo => "fifo",
        FileKind::Socket => "socket",
        FileKind::CharDevice => "char-device",
        FileKind::BlockDevice => "block-device",
    }
}

fn show_mode(kind: FileKind, mode: u32) -> String {
    let mut text = String::from(kind_letter(kind));
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (bits & 1 != 0, mode & special != 0) {
            (true, false) => 'x',
            (false, false) => '-',
            (true, true) => letter,
            (false, true) => letter.to_ascii_uppercase(),
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_look_as_in_ls() {
        assert_eq!(show_mode(FileKind::Directory, 0o755), "drwxr-xr-x");
        assert_eq!(show_mode(FileKind::File, 0o4644), "-rwSr--r--");
        assert_eq!(show_mode(FileKind::Directory, 0o1777), "drwxrwxrwt");
    }

    #[test]
    fn json_is_exact_and_keeps_odd_bytes() {
        let record = Record::new()
            .with("name", Field::Bytes(b"a\xffb".to_vec()))
            .with("size", Field::Size(1536))
            .with("gone", Field::None);
        assert_eq!(
            record.json(),
            r#"{"name":"a\\xffb","name_hex":"61ff62","size":1536,"gone":null}"#
        );
    }
}
