//! The fault injector does what it says, counts it, and does it again for the same seed.

use std::sync::Arc;

use nokv_object::faulty::{Fault, FaultRates, FaultyStore};
use nokv_object::memory::MemoryStore;
use nokv_object::{ErrorKind, Key, ObjectStore, Op, PutOutcome};

fn key() -> Key {
    Key::new("data/00/x").unwrap()
}

fn store(rates: FaultRates, seed: u64) -> FaultyStore {
    FaultyStore::new(Arc::new(MemoryStore::new()), seed, rates)
}

fn create(store: &FaultyStore) -> nokv_object::Result<PutOutcome> {
    store.put_if_absent(&key(), b"body", crc32c::crc32c(b"body"))
}

#[test]
fn damaged_reads_differ_in_one_bit_or_in_length_and_say_nothing() {
    let store = store(FaultRates::none(), 5);
    create(&store).unwrap();
    store.script(Op::Get, Fault::FlipBit);
    let flipped = store.get(&key()).unwrap().bytes;
    let bits: u32 = flipped
        .iter()
        .zip(b"body")
        .map(|(a, b)| (a ^ b).count_ones())
        .sum();
    assert_eq!((flipped.len(), bits), (4, 1));
    store.script(Op::GetRange, Fault::Truncate);
    let cut = store.get_range(&key(), 0, 4).unwrap();
    assert!(cut.len() < 4 && b"body".starts_with(&cut));
    assert_eq!(store.get(&key()).unwrap().bytes, b"body");
    assert_eq!(
        (store.injected(Fault::FlipBit), store.injected(Fault::Truncate)),
        (1, 1)
    );
}

#[test]
fn lost_and_missing_answers_differ_only_in_what_happened() {
    let store = store(FaultRates::none(), 5);
    store.script(Op::PutIfAbsent, Fault::NoAnswer);
    assert_eq!(create(&store).unwrap_err().kind, ErrorKind::OutcomeUnknown);
    assert!(store.head(&key()).unwrap().is_none());
    store.script(Op::PutIfAbsent, Fault::LostAnswer);
    assert_eq!(create(&store).unwrap_err().kind, ErrorKind::OutcomeUnknown);
    assert!(store.head(&key()).unwrap().is_some());
    store.script(Op::Delete, Fault::LostAnswer);
    assert_eq!(
        store.delete(&[key()]).unwrap_err().kind,
        ErrorKind::OutcomeUnknown
    );
    assert!(store.head(&key()).unwrap().is_none());
    assert_eq!(store.injected_total(), 3);
}

#[test]
fn a_racing_writer_comes_first_with_other_bytes() {
    let store = store(FaultRates::none(), 5);
    store.script(Op::PutIfAbsent, Fault::Race);
    assert_eq!(create(&store).unwrap(), PutOutcome::AlreadyExists);
    let theirs = store.get(&key()).unwrap();
    assert_ne!(theirs.bytes, b"body");
    store.script(Op::PutIfMatch, Fault::Race);
    let refused = store
        .put_if_match(&key(), b"mine", Some(&theirs.etag))
        .unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Precondition);
}

#[test]
fn the_same_seed_gives_the_same_faults_and_another_one_others() {
    let trace = |seed| -> Vec<bool> {
        let store = store(FaultRates::passing(200), seed);
        (0..200).map(|_| store.head(&key()).is_ok()).collect()
    };
    assert_eq!(trace(9), trace(9));
    assert_ne!(trace(9), trace(10));
}

#[test]
fn rates_are_met_and_only_where_a_fault_can_happen() {
    let store = store(
        FaultRates::none()
            .with(Fault::CutRead, 300)
            .with(Fault::Late, 300),
        11,
    );
    for _ in 0..1000 {
        let _ = store.get(&key());
        let _ = store.head(&key());
    }
    assert!(
        (200..400).contains(&store.injected(Fault::CutRead)),
        "{}",
        store.injected(Fault::CutRead)
    );
    assert_eq!(store.injected(Fault::Late), 0);
}

#[test]
#[should_panic(expected = "cannot happen")]
fn a_fault_that_cannot_happen_to_a_call_cannot_be_scripted() {
    store(FaultRates::none(), 1).script(Op::Get, Fault::LostAnswer);
}
