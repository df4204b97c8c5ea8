//! Where everything of a workspace lies in its store: the only place that spells a key.
//!
//! Durable: changing a name here orphans what is stored. The golden tests hold every one of them.

use crate::Key;
use crate::probe::Check;

/// Prefix of every body object.
pub const DATA_PREFIX: &str = "data/";
/// Prefix of every object of the log.
pub const LOG_PREFIX: &str = "meta/log/";
/// Prefix of every checkpoint.
pub const CHECKPOINT_PREFIX: &str = "meta/ckpt/";
/// Prefix of what a bucket probe writes, and deletes.
pub const PROBE_PREFIX: &str = "meta/probe/";

/// Which workspace owns the prefix; create-only.
pub fn identity() -> Key {
    Key::built("meta/IDENTITY".to_owned())
}

/// The note that a deletion with retention leaves for an adoption.
pub fn released() -> Key {
    Key::built("meta/RELEASED".to_owned())
}

/// Epoch, checkpoints and floor; changed by compare-and-swap only.
pub fn head() -> Key {
    Key::built("meta/HEAD".to_owned())
}

/// The object of the log at `slot`, dense from 1; create-only.
pub fn log_slot(slot: u64) -> Key {
    Key::built(format!("{LOG_PREFIX}{slot:016x}"))
}

/// The body object (block or pack) of this id. The first two digits spread objects over 256 folders.
pub fn data(id: u128) -> Key {
    Key::built(format!("{DATA_PREFIX}{:02x}/{id:032x}", id >> 120))
}

/// An object that a bucket probe uses; `nonce` keeps probes that run at once apart.
pub fn probe(nonce: u64, check: Check) -> Key {
    Key::built(format!("{PROBE_PREFIX}{nonce:016x}/{}", check.name()))
}

/// The id of a body object, from its key; for repair tools.
pub fn parse_data(key: &Key) -> Option<u128> {
    let (folder, name) = key.as_str().strip_prefix(DATA_PREFIX)?.split_once('/')?;
    let id = parse_hex(name, 32)?;
    (parse_hex(folder, 2)? == id >> 120).then_some(id)
}

/// The slot of an object of the log, from its key; for repair tools.
pub fn parse_log_slot(key: &Key) -> Option<u64> {
    parse_hex(key.as_str().strip_prefix(LOG_PREFIX)?, 16).map(|slot| slot as u64)
}

/// The name of one checkpoint: what it covers, who wrote it, and a number that keeps two attempts apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckpointName {
    /// The last segment that the checkpoint contains.
    pub seq: u64,
    /// The epoch of the writer.
    pub epoch: u64,
    /// A random number, chosen by the writer for this attempt.
    pub rand: u32,
}

impl CheckpointName {
    /// The prefix of all objects of this checkpoint, with the slash at its end.
    pub fn prefix(self) -> String {
        format!(
            "{CHECKPOINT_PREFIX}{:016x}-{}-{:08x}/",
            self.seq, self.epoch, self.rand
        )
    }

    /// A part, numbered from 0.
    pub fn part(self, number: u32) -> Key {
        Key::built(format!("{}part-{number:05}", self.prefix()))
    }

    /// The list of parts and their digests; written last.
    pub fn manifest(self) -> Key {
        Key::built(format!("{}MANIFEST", self.prefix()))
    }

    /// The checkpoint that an object belongs to, from its key.
    pub fn parse(key: &Key) -> Option<Self> {
        let (name, _) = key.as_str().strip_prefix(CHECKPOINT_PREFIX)?.split_once('/')?;
        let mut fields = name.splitn(3, '-');
        let seq = parse_hex(fields.next()?, 16)? as u64;
        let epoch = fields.next()?;
        let rand = parse_hex(fields.next()?, 8)? as u32;
        let found = Self {
            seq,
            epoch: epoch.parse().ok()?,
            rand,
        };
        // One spelling per name: `+1` and `01` parse as numbers and are no names.
        key.as_str().starts_with(&found.prefix()).then_some(found)
    }
}

/// Exactly `digits` lower-case hex digits.
fn parse_hex(text: &str, digits: usize) -> Option<u128> {
    let lower = text
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if text.len() == digits && lower {
        u128::from_str_radix(text, 16).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: u128 = 0x00ff_0123_4567_89ab_cdef_0123_4567_89ab;
    const CHECKPOINT: CheckpointName = CheckpointName {
        seq: 0xabc,
        epoch: 12,
        rand: 0x1f,
    };

    #[test]
    fn every_name_is_spelled_as_it_is_stored() {
        let golden = [
            (identity(), "meta/IDENTITY"),
            (released(), "meta/RELEASED"),
            (head(), "meta/HEAD"),
            (log_slot(1), "meta/log/0000000000000001"),
            (log_slot(u64::MAX), "meta/log/ffffffffffffffff"),
            (
                CHECKPOINT.part(7),
                "meta/ckpt/0000000000000abc-12-0000001f/part-00007",
            ),
            (
                CHECKPOINT.manifest(),
                "meta/ckpt/0000000000000abc-12-0000001f/MANIFEST",
            ),
            (data(ID), "data/00/00ff0123456789abcdef0123456789ab"),
            (data(u128::MAX), "data/ff/ffffffffffffffffffffffffffffffff"),
            (
                probe(0x2a, Check::CreateOnly),
                "meta/probe/000000000000002a/create-only",
            ),
        ];
        for (key, name) in golden {
            assert_eq!(Key::new(name).unwrap(), key);
        }
    }

    #[test]
    fn names_read_back_as_what_they_were_made_of() {
        assert_eq!(parse_data(&data(ID)), Some(ID));
        assert_eq!(parse_log_slot(&log_slot(77)), Some(77));
        assert_eq!(CheckpointName::parse(&CHECKPOINT.part(1)), Some(CHECKPOINT));
        assert_eq!(CheckpointName::parse(&CHECKPOINT.manifest()), Some(CHECKPOINT));
    }

    #[test]
    fn names_that_only_look_alike_are_not_read() {
        let key = |name: &str| Key::new(name).unwrap();
        assert_eq!(parse_data(&key("data/01/00ff0123456789abcdef0123456789ab")), None);
        assert_eq!(parse_data(&key("data/00/00FF0123456789abcdef0123456789ab")), None);
        assert_eq!(parse_data(&key("data/00/00ff")), None);
        assert_eq!(parse_log_slot(&key("meta/log/1")), None);
        assert_eq!(parse_log_slot(&identity()), None);
        assert_eq!(
            CheckpointName::parse(&key("meta/ckpt/0000000000000abc-012-0000001f/MANIFEST")),
            None
        );
        assert_eq!(
            CheckpointName::parse(&key("meta/ckpt/0000000000000abc-12/MANIFEST")),
            None
        );
    }

    #[test]
    fn slots_sort_as_numbers_do() {
        assert!(log_slot(9) < log_slot(10) && log_slot(0xff) < log_slot(0x100));
    }
}
