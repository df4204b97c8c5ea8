//! The probe believes a good store, and names what a bad one breaks.

use std::time::SystemTime;

use nokv_object::dir::DirStore;
use nokv_object::memory::MemoryStore;
use nokv_object::probe::{Check, Probe, ProbeReport, Verdict};
use nokv_object::{ErrorKind, Key, ObjectStore, conformance, layout};

use crate::doubles::{Breaks, Double};

fn probe(store: &dyn ObjectStore) -> ProbeReport {
    Probe {
        store,
        nonce: 7,
        now: SystemTime::UNIX_EPOCH,
        http: None,
    }
    .run()
}

fn broken(report: &ProbeReport) -> Vec<Check> {
    report.broken().map(|finding| finding.check).collect()
}

#[test]
fn a_good_store_passes_and_is_left_empty() {
    let store = MemoryStore::new();
    let report = probe(&store);
    assert!(report.holds(), "{report}");
    let (tried, untried) = report.findings.split_at(7);
    assert!(
        tried.iter().all(|finding| finding.verdict == Verdict::Holds),
        "{report}"
    );
    assert!(
        untried.iter().all(|finding| finding.verdict == Verdict::NotTried),
        "{report}"
    );
    assert!(store.is_empty());
}

#[test]
fn a_directory_passes_and_is_left_empty() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::open(dir.path()).unwrap();
    let report = probe(&store);
    assert!(report.holds(), "{report}");
    assert_eq!(store.list("", None, 10).unwrap(), []);
}

#[test]
fn a_store_that_ignores_if_none_match_is_found_out() {
    let report = probe(&Double::new(Breaks::CreateOnly));
    let found = broken(&report);
    assert!(
        found.contains(&Check::CreateOnly) && found.contains(&Check::OneWinner),
        "{report}"
    );
    assert!(
        report
            .to_string()
            .contains("create-only             BROKEN: an existing object was overwritten")
    );
}

#[test]
fn every_other_broken_promise_is_found_out_by_its_check() {
    for (breaks, check) in [
        (Breaks::Atomicity, Check::OneWinner),
        (Breaks::Swap, Check::StaleSwap),
        (Breaks::Checksum, Check::Checksum),
        (Breaks::Range, Check::Range),
        (Breaks::Writes, Check::ReadAfterWrite),
    ] {
        let report = probe(&Double::new(breaks));
        assert!(broken(&report).contains(&check), "{breaks:?}:\n{report}");
    }
}

#[test]
fn the_conformance_suite_finds_every_broken_promise_too() {
    for breaks in [
        Breaks::CreateOnly,
        Breaks::Atomicity,
        Breaks::Swap,
        Breaks::Checksum,
        Breaks::Range,
        Breaks::Writes,
        Breaks::Listing,
    ] {
        assert!(
            !conformance::run(&Double::new(breaks), 3).is_empty(),
            "{breaks:?} was not found out"
        );
    }
}

#[test]
fn a_store_that_cannot_be_reached_breaks_every_check_and_the_probe_ends() {
    use nokv_object::faulty::{Fault, FaultRates, FaultyStore};
    let rates = FaultRates::none().with(Fault::Unreachable, 1000);
    let store = FaultyStore::new(std::sync::Arc::new(MemoryStore::new()), 1, rates);
    let report = probe(&store);
    assert_eq!(broken(&report), Check::ALL[..7]);
    let key: Key = layout::probe(7, Check::Range);
    assert_eq!(store.get(&key).unwrap_err().kind, ErrorKind::Unavailable);
}
