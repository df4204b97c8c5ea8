//! The bytes of every durable format, as they are stored for ever.

use crate::checkpoints::{covered, keys, rows, spec};
use crate::events::{EVENTS, add, open};
use crate::segment::one_segment;
use crate::sim::SimDisk;
use crate::workload::{WORKSPACE, options};
use nokv_journal::checkpoint::{CheckpointEntry, Head, Identity, Manifest, PartEntry, write};
use nokv_journal::{Chain, Covered, Disk, Log, Position};
use nokv_object::memory::MemoryStore;
use nokv_object::{ObjectStore, layout::CheckpointName};
use nokv_types::{Version, failpoint};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn name() -> CheckpointName {
    CheckpointName {
        seq: 0x1122,
        epoch: 3,
        rand: 0xABCD,
    }
}

fn place() -> Position {
    Position {
        seq: 0x1122,
        chain: Chain([0x5A; 32]),
        version: Version(0x3344),
    }
}

#[test]
fn segment() {
    let bytes = one_segment(b"R", b"MM", b"EEE");
    assert_eq!(hex(&bytes), GOLDEN_SEGMENT);
}

#[test]
fn chain_before_the_first_segment() {
    assert_eq!(hex(&Chain::genesis(WORKSPACE).0), GOLDEN_GENESIS);
}

#[test]
fn log_state_and_seal() {
    failpoint::isolate();
    let disk = SimDisk::new();
    let dir = Path::new("/log");
    let log = Log::create(Arc::new(disk.clone()), dir, options(), place()).unwrap();
    log.close().unwrap();
    let state = disk.bytes(&dir.join("STATE"));
    assert!(state[152..4096].iter().all(|byte| *byte == 0));
    assert_eq!(state[..152], state[4096..]);
    assert_eq!(hex(&state[..152]), GOLDEN_STATE);
    let sealed = sealed_file();
    assert_eq!(hex(&sealed[..96]), GOLDEN_SEAL);
    assert!(sealed[96..128].iter().all(|byte| *byte == 0));
}

/// The first file of a log that went on in a second one.
fn sealed_file() -> Vec<u8> {
    let disk = SimDisk::new();
    let dir = Path::new("/log");
    let mut log = Log::create(Arc::new(disk.clone()), dir, options(), Position::start(WORKSPACE)).unwrap();
    for version in 1..=3 {
        let draft = nokv_journal::Draft {
            kind: nokv_journal::Kind::Data,
            log_time_ns: 0,
            wall_time_ns: 0,
            first_version: Version(version),
            last_version: Version(version),
            results: b"",
            mutations: b"",
            events: &[0; 6000],
        };
        log.append(&draft, nokv_journal::Room::Ordinary).unwrap();
    }
    assert!(disk.exists(&dir.join("0000000000000002.log")).unwrap());
    disk.bytes(&dir.join("0000000000000001.log"))
}

#[test]
fn covered_position() {
    let covered = Covered {
        at: place(),
        log_time_ns: 0x77,
        extra: b"xyz".to_vec(),
    };
    assert_eq!(hex(&covered.encode()), GOLDEN_COVERED);
    assert_eq!(Covered::decode(&covered.encode()).unwrap(), covered);
}

#[test]
fn identity() {
    let identity = Identity {
        workspace: WORKSPACE,
        created_ns: 0x0102,
        owner: "cluster-a".to_owned(),
    };
    assert_eq!(hex(&identity.encode()), GOLDEN_IDENTITY);
    assert_eq!(Identity::decode(&identity.encode()).unwrap(), identity);
}

#[test]
fn head() {
    let entry = CheckpointEntry {
        name: name(),
        at: place(),
        slot: None,
        manifest_digest: [0xD1; 32],
    };
    let shipped = CheckpointEntry {
        slot: Some(9),
        ..entry
    };
    let mut head = Head::empty(WORKSPACE, 3);
    head.log_floor = 0x1000;
    head.checkpoints = vec![shipped, entry];
    assert_eq!(hex(&head.encode()), GOLDEN_HEAD);
    assert_eq!(Head::decode(&head.encode()).unwrap(), head);
}

#[test]
fn manifest() {
    let manifest = Manifest {
        workspace: WORKSPACE,
        name: name(),
        wall_time_ns: 0x99,
        covered: Covered {
            at: place(),
            log_time_ns: 0x77,
            extra: Vec::new(),
        },
        parts: vec![PartEntry {
            stored_bytes: 10,
            raw_bytes: 20,
            rows: 2,
            digest: [0xEE; 32],
        }],
    };
    assert_eq!(hex(&manifest.encode()), GOLDEN_MANIFEST);
    assert_eq!(Manifest::decode(&manifest.encode(), "x").unwrap(), manifest);
}

#[test]
fn part() {
    failpoint::isolate();
    let objects = MemoryStore::new();
    write(&objects, &spec(1), &rows(3), &covered(5)).unwrap();
    let part = keys(&objects)
        .into_iter()
        .find(|key| key.as_str().ends_with("part-00000"))
        .unwrap();
    // The frame of the compressor is its own format; header and trailer are ours.
    assert_eq!(hex(&objects.get(&part).unwrap().bytes[..64]), GOLDEN_PART_HEADER);
}

#[test]
fn event_file() {
    failpoint::isolate();
    let disk = SimDisk::new();
    let files = open(&disk, 0);
    add(&files, 1..=1);
    files.sync().unwrap();
    let names = disk.list(Path::new(EVENTS)).unwrap();
    assert_eq!(names, ["0000000000000001.evt"]);
    assert_eq!(
        hex(&disk.bytes(&Path::new(EVENTS).join(&names[0]))),
        GOLDEN_EVENTS
    );
}

const GOLDEN_SEGMENT: &str = "\
    4e6f4b5673676d74010001031200000061207465737420776f726b737061636501000000000000002a00000000000000\
    080706050403020118171615141312112900000000000000e903000000000000ed03000000000000654ea4799c7134d9\
    7d23401bef74ac77faf11581ed8617fc7db36841fc2ee0b700000000a9bcda240100000052020000004d4d0300000045\
    4545bc27d3b96048e3668504600e446dc5a922b37660c61814af6f0623f21cc74ad95ce863330000";
const GOLDEN_GENESIS: &str = "\
    654ea4799c7134d97d23401bef74ac77faf11581ed8617fc7db36841fc2ee0b7";
const GOLDEN_STATE: &str = "\
    4e6f4b566c6f67530100010061207465737420776f726b73706163650040000000000000010000000000000022110000\
    000000005a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a443300000000000022110000\
    000000005a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a443300000000000001000000\
    000000002152ebfd";
const GOLDEN_SEAL: &str = "\
    4e6f4b567365616c0100000061207465737420776f726b7370616365010000000000000002000000000000007d6cd2d0\
    f47790a2bf74805239fda7eb9471fd8f50b8762298a99dd2800092af0200000000000000c0300000000000002f5dd809";
const GOLDEN_COVERED: &str = "\
    0122110000000000005a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a44330000000000\
    0077000000000000000300000078797ab3a20ef5";
const GOLDEN_IDENTITY: &str = "\
    4e6f4b5657534944010061207465737420776f726b737061636502010000000000000900636c75737465722d61af8982\
    fd";
const GOLDEN_HEAD: &str = "\
    4e6f4b56484541440100010061207465737420776f726b73706163650300000000000000001000000000000002000000\
    22110000000000000300000000000000cdab00000000000009000000000000005a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\
    5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a4433000000000000d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1\
    d1d1d1d1d1d1d1d122110000000000000300000000000000cdab000000000000ffffffffffffffff5a5a5a5a5a5a5a5a\
    5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a4433000000000000d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1\
    d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1ec56143c";
const GOLDEN_MANIFEST: &str = "\
    4e6f4b56636b7074010061207465737420776f726b737061636522110000000000000300000000000000cdab00000000\
    00009900000000000000410000000122110000000000005a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\
    5a5a5a5a5a5a5a4433000000000000770000000000000000000000e7e65194010000000a000000000000001400000000\
    0000000200000000000000eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee68922617";
const GOLDEN_PART_HEADER: &str = "\
    4e6f4b5670617274010000000000000061207465737420776f726b737061636505000000000000000100000000000000\
    4800000037000000010000002903fa89";
const GOLDEN_EVENTS: &str = "\
    4e6f4b5665767473010000000000000061207465737420776f726b737061636501000000000000000000000000000000\
    090000000000000000000000c1d880334e4576740c00000001000000000000000a000000000000000d00000000000000\
    e803000000000000867d8f126576656e7473206f662031204ef0604c00000000";
