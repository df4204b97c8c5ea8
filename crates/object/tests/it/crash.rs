//! Writers that are killed in the middle: a directory store never shows a part of an object.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nokv_object::dir::DirStore;
use nokv_object::{Key, ObjectStore, PutOutcome, SplitMix, layout};

use crate::pace::seed;

const CHILD_ENV: &str = "NOKV_TEST_CRASH_DIR";
const TEST: &str = "crash::a_killed_writer_never_shows_a_part_and_loses_nothing_that_it_acknowledged";
const KILLS: u64 = 24;
/// Objects that a child writes before it would end by itself; it never gets there.
const OBJECTS: u64 = 100_000;
/// Long enough that a write is seen half done.
const BODY_BYTES_MAX: u64 = 4 << 20;
/// A block of a body; each body has blocks of its own, and a last one that is cut.
const BLOCK_WORDS: usize = 512;

/// The content of an object follows from its number, so that the parent can check without being told.
fn body(number: u64) -> Vec<u8> {
    let mut rng = SplitMix::new(number);
    let block: Vec<u8> = (0..BLOCK_WORDS)
        .flat_map(|_| rng.next_u64().to_le_bytes())
        .collect();
    let len = (BODY_BYTES_MAX / 2 + rng.below(BODY_BYTES_MAX / 2)) as usize;
    let mut bytes = block.repeat(len / block.len() + 1);
    bytes.truncate(len);
    bytes
}

fn register(number: u64) -> Vec<u8> {
    number.to_le_bytes().repeat(5000)
}

fn key(number: u64) -> Key {
    layout::data(u128::from(number) << 120 | u128::from(number))
}

/// Writes objects and a register, and says what was acknowledged.
fn write_until_killed(root: &Path, first: u64) {
    let store = DirStore::open(root).unwrap();
    let mut etag = store.get(&layout::head()).ok().map(|object| object.etag);
    let mut out = std::io::stdout();
    for number in first..first + OBJECTS {
        let bytes = body(number);
        let outcome = store
            .put_if_absent(&key(number), &bytes, crc32c::crc32c(&bytes))
            .unwrap();
        assert_eq!(outcome, PutOutcome::Created);
        etag = Some(
            store
                .put_if_match(&layout::head(), &register(number), etag.as_ref())
                .unwrap(),
        );
        writeln!(out, "acknowledged {number}").unwrap();
        out.flush().unwrap();
    }
}

fn spawn(root: &Path, first: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(CHILD_ENV, format!("{first}:{}", root.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Kills the child while a file without a name is being written; answers the last acknowledged number.
fn kill_in_mid_put(child: &mut Child, root: &Path, rng: &mut SplitMix) -> Option<u64> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = None;
    let wait_for = rng.below(4);
    for _ in 0..wait_for {
        acknowledged = lines
            .by_ref()
            .find_map(|line| number_in(&line.unwrap()))
            .or(acknowledged);
    }
    let wanted = rng.below(BODY_BYTES_MAX / 2);
    while !temp_files(root).iter().any(|(_, size)| *size > wanted) {
        assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it still said before it died was acknowledged too.
    lines
        .map_while(Result::ok)
        .filter_map(|line| number_in(&line))
        .last()
        .or(acknowledged)
}

fn number_in(line: &str) -> Option<u64> {
    line.strip_prefix("acknowledged ")?.parse().ok()
}

fn temp_files(root: &Path) -> Vec<(PathBuf, u64)> {
    let entries = fs::read_dir(root.join("tmp")).unwrap().flatten();
    entries
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.len())))
        .collect()
}

/// Every object that is there is whole; answers the highest number.
fn verify(store: &DirStore) -> u64 {
    let listed = store.list("data/", None, usize::MAX).unwrap();
    let mut sizes = BTreeMap::new();
    for entry in &listed {
        let number = layout::parse_data(&entry.key).unwrap() as u64 & u64::MAX >> 8;
        let bytes = store.get(&entry.key).unwrap().bytes;
        assert!(
            bytes == body(number),
            "object {number} has {} other bytes",
            bytes.len()
        );
        sizes.insert(number, bytes.len());
    }
    let last = sizes.keys().next_back().copied().unwrap_or(0);
    assert_eq!(sizes.len() as u64, last, "an object in between is missing");
    last
}

#[test]
fn a_killed_writer_never_shows_a_part_and_loses_nothing_that_it_acknowledged() {
    if let Ok(child) = std::env::var(CHILD_ENV) {
        let (first, root) = child.split_once(':').unwrap();
        return write_until_killed(Path::new(root), first.parse().unwrap());
    }
    let seed = seed();
    let mut rng = SplitMix::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let store = DirStore::open(&root).unwrap();
    let (mut last, mut torn) = (0, 0);
    for kill in 0..KILLS {
        let mut child = spawn(&root, last + 1);
        let acknowledged = kill_in_mid_put(&mut child, &root, &mut rng).unwrap_or(last);
        torn += temp_files(&root).len();
        last = verify(&store);
        assert!(
            last >= acknowledged,
            "seed {seed} kill {kill}: {acknowledged} was acknowledged"
        );
        let head = store
            .get(&layout::head())
            .map_or_else(|_| register(0), |object| object.bytes);
        let at = u64::from_le_bytes(head[..8].try_into().unwrap());
        assert!(
            head == register(at) && at >= acknowledged && at <= last,
            "seed {seed} kill {kill}: {at}"
        );
        for (path, _) in temp_files(&root) {
            fs::remove_file(path).unwrap();
        }
    }
    assert!(
        torn as u64 >= KILLS / 2,
        "only {torn} kills hit a write, seed {seed}"
    );
    assert!(last > 0, "nothing was written, seed {seed}");
}
