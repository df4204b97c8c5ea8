//! Reading events from a version on.

use super::file::{EventFile, Records, file_name};
use super::footer::FILE_HEADER_BYTES;
use super::record::EventRecord;
use super::write::EventFiles;
use crate::{Error, ErrorKind, Result};
use nokv_store::Visit;
use nokv_types::Version;

impl EventFiles {
    /// Delivers the records that hold `version` or later ones, in order, until `visit` answers `Stop`. A
    /// record that also holds earlier versions is delivered whole.
    ///
    /// # Errors
    /// `CursorExpired` when `version` is older than what is kept; `Corrupt` naming the place when a record is
    /// damaged (what was delivered before was good); `Fatal`.
    pub fn read_from(
        &self,
        version: Version,
        visit: &mut dyn FnMut(&EventRecord<'_>) -> Visit,
    ) -> Result<()> {
        let files = self.files_since(version)?;
        let mut seq = None;
        for file in &files {
            let offset = start_of(file, version);
            let mut records = Records::new(file, offset, file.end);
            while let Some(record) = records.take()? {
                if seq.is_some_and(|seq| record.seq != seq + 1) {
                    break;
                }
                seq = Some(record.seq);
                if record.last_version >= version && visit(&record) == Visit::Stop {
                    return Ok(());
                }
            }
            let last = seq.unwrap_or(file.header.base_seq);
            if !records.at_end() || last != file.last_seq {
                let why = format!("the record after segment {last} is damaged");
                return Err(Error::corrupt("read events", file_name(file.header.index), why));
            }
        }
        Ok(())
    }

    /// The oldest version that can be read from: everything from it on is here.
    pub fn oldest(&self) -> Version {
        let state = self.state();
        Version(state.files.front().map_or(0, |file| file.header.base_version.0) + 1)
    }

    /// The files that may hold `version` or later, complete with what is buffered.
    fn files_since(&self, version: Version) -> Result<Vec<EventFile>> {
        let mut state = self.state();
        let oldest = state.files.front().map_or(0, |file| file.header.base_version.0) + 1;
        if version.0 < oldest {
            let kind = ErrorKind::CursorExpired { oldest };
            let why = format!("the oldest version kept is {oldest}");
            return Err(Error::new(kind, "read events from", version.0.to_string(), why));
        }
        if !state.files.is_empty() {
            self.check(&state)?;
            self.flush(&mut state)?;
        }
        Ok(state
            .files
            .iter()
            .filter(|file| file.last_version >= version)
            .cloned()
            .collect())
    }
}

/// Where in a file to begin looking for `version`.
fn start_of(file: &EventFile, version: Version) -> u64 {
    let after = file.index.partition_point(|entry| entry.first_version <= version);
    // The record before the first entry that is too late may reach up to `version`, and so may earlier ones
    // with equal versions: one entry back from the first that is not earlier.
    let before = file.index.partition_point(|entry| entry.first_version < version);
    let at = before.min(after).saturating_sub(1);
    file.index
        .get(at)
        .map_or(FILE_HEADER_BYTES as u64, |entry| entry.offset)
}
