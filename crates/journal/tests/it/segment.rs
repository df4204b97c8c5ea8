//! The segment codec from outside: through the log and back.

use crate::rng::Rng;
use crate::sim::SimDisk;
use crate::workload::{WORKSPACE, options};
use nokv_journal::{
    Damage, Draft, ErrorKind, Header, Kind, Log, Position, Room, SEGMENT_ALIGN, SEGMENT_PAYLOAD_BYTES_MAX,
    Segment,
};
use nokv_types::{Version, failpoint};
use std::path::Path;
use std::sync::Arc;

/// The bytes of one segment, as the log writes them.
pub(crate) fn one_segment(results: &[u8], mutations: &[u8], events: &[u8]) -> Vec<u8> {
    failpoint::isolate();
    let disk = SimDisk::new();
    let dir = Path::new("/log");
    let base = Position {
        seq: 41,
        version: Version(1000),
        ..Position::start(WORKSPACE)
    };
    let mut log = Log::create(Arc::new(disk.clone()), dir, options(), base).unwrap();
    let draft = Draft {
        kind: Kind::Data,
        log_time_ns: 0x0102_0304_0506_0708,
        wall_time_ns: 0x1112_1314_1516_1718,
        first_version: Version(1001),
        last_version: Version(1005),
        results,
        mutations,
        events,
    };
    let appended = log.append(&draft, Room::Ordinary).unwrap();
    let file = disk.bytes(&dir.join("0000000000000001.log"));
    file[128..128 + appended.bytes as usize].to_vec()
}

#[test]
fn a_segment_reads_back_as_it_was_drafted() {
    let bytes = one_segment(b"results", b"", b"some events");
    let segment = Segment::decode(&bytes).unwrap();
    assert_eq!(
        (segment.results, segment.mutations, segment.events),
        (&b"results"[..], &b""[..], &b"some events"[..])
    );
    assert_eq!(segment.header.seq, 42);
    assert_eq!(segment.header.kind, Kind::Data);
    assert_eq!(segment.header.stored_len(), bytes.len());
    assert_eq!(bytes.len() % SEGMENT_ALIGN, 0);
    assert!(segment.follows(
        WORKSPACE,
        &Position {
            seq: 41,
            version: Version(1000),
            ..Position::start(WORKSPACE)
        }
    ));
}

#[test]
fn any_flipped_bit_is_found() {
    let bytes = one_segment(b"r", b"mutations", b"events");
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            assert!(Segment::decode(&damaged).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn any_cut_is_found() {
    let bytes = one_segment(b"r", b"mutations", b"events");
    for cut in 0..bytes.len() {
        assert_eq!(Segment::decode(&bytes[..cut]), Err(Damage::Short), "cut to {cut}");
    }
}

#[test]
fn a_newer_format_is_refused_as_such() {
    let mut bytes = one_segment(b"", b"", b"");
    bytes[8] = 9;
    let crc = crc32c::crc32c(&bytes[..124]).to_le_bytes();
    bytes[124..128].copy_from_slice(&crc);
    assert_eq!(Header::decode(&bytes), Err(Damage::TooNew(9)));
}

#[test]
fn no_length_is_believed_before_the_header_checksum() {
    let mut bytes = one_segment(b"", b"", b"");
    bytes[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(Segment::decode(&bytes), Err(Damage::HeaderChecksum));
    // Even a good header cannot claim more than the largest payload.
    let crc = crc32c::crc32c(&bytes[..124]).to_le_bytes();
    bytes[124..128].copy_from_slice(&crc);
    assert_eq!(Segment::decode(&bytes), Err(Damage::Field("payload length")));
}

#[test]
fn random_bytes_are_no_segment() {
    let mut dice = Rng::new(3);
    for _ in 0..2000 {
        let len = dice.below(400) as usize;
        let mut bytes = dice.bytes(len);
        if dice.chance(50) && len > 8 {
            bytes[..8].copy_from_slice(&nokv_journal::SEGMENT_MAGIC);
        }
        assert!(Segment::decode(&bytes).is_err());
    }
}

#[test]
fn too_large_a_payload_and_versions_out_of_order_are_refused() {
    failpoint::isolate();
    let disk = SimDisk::new();
    let mut log = Log::create(
        Arc::new(disk),
        Path::new("/log"),
        options(),
        Position::start(WORKSPACE),
    )
    .unwrap();
    let draft = |first, last| Draft {
        kind: Kind::Data,
        log_time_ns: 0,
        wall_time_ns: 0,
        first_version: Version(first),
        last_version: Version(last),
        results: b"",
        mutations: b"",
        events: b"",
    };
    let large = vec![0; SEGMENT_PAYLOAD_BYTES_MAX];
    let too_large = Draft {
        events: &large,
        ..draft(1, 1)
    };
    assert_eq!(
        log.append(&too_large, Room::Ordinary).unwrap_err().kind,
        ErrorKind::Invalid
    );
    log.append(&draft(5, 7), Room::Ordinary).unwrap();
    assert_eq!(
        log.append(&draft(6, 8), Room::Ordinary).unwrap_err().kind,
        ErrorKind::Invalid
    );
    assert_eq!(
        log.append(&draft(9, 8), Room::Ordinary).unwrap_err().kind,
        ErrorKind::Invalid
    );
    log.append(&draft(7, 7), Room::Ordinary).unwrap();
}
