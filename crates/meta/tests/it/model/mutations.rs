//! Seeded bugs: each must be caught by a run of the model, or the model proves nothing.
//!
//! They are made where rows are written, so that no product code knows of them.

use super::drive;
use super::engine::{Engine, Tamper};
use nokv_testkit::evidence::Evidence;

/// Runs that agree when nothing is broken on purpose; a test below holds them to it.
const SEEDS: [u64; 3] = [1, 3, 5];
const COMMANDS: usize = 1_500;

type Row = (Vec<u8>, Option<Vec<u8>>);

/// Runs with a seeded bug, which is called `bug`, until one differs; answers what was found.
fn caught(bug: &str, tamper: fn() -> Tamper) -> String {
    for seed in SEEDS {
        let mut engine = Engine::memory();
        engine.tamper = Some(tamper());
        if let Err(failure) = drive(engine, seed, COMMANDS) {
            let steps = failure.steps.len() as u64;
            println!("caught with seed {seed} after {steps} steps");
            Evidence {
                ring: "mutations",
                seeds: &format!("NOKV_SEED={seed}"),
                injected: (1, bug),
                acknowledged: (steps, "steps until it was caught"),
            }
            .print();
            return failure.text;
        }
    }
    panic!("the seeded bug was not caught");
}

fn is_put(row: &Row, family: u8) -> bool {
    row.0.first() == Some(&family) && row.1.is_some()
}

/// Leaves out every `nth` row of a family that is put.
fn without(family: u8, nth: usize) -> Tamper {
    let mut count = 0;
    Box::new(move |rows: &mut Vec<Row>| {
        rows.retain(|row| {
            count += usize::from(is_put(row, family));
            !(is_put(row, family) && count % nth == 0)
        });
    })
}

#[test]
fn runs_without_a_seeded_bug_agree() {
    for seed in SEEDS {
        let done = drive(Engine::memory(), seed, COMMANDS);
        assert!(
            done.is_ok(),
            "seed {seed}: {}",
            done.err().map_or(String::new(), |failure| failure.text)
        );
    }
}

#[test]
fn history_that_is_pruned_too_early_is_caught() {
    caught("pruning: history that is gone too early", || without(b'H', 25));
}

#[test]
fn history_that_is_never_queued_for_pruning_is_caught() {
    let text = caught("pruning: history that is never queued", || without(b'P', 3));
    assert!(
        text.contains("Object") || text.contains("count") || text.contains("repaired"),
        "{text}"
    );
}

#[test]
fn a_reference_that_is_not_counted_is_caught() {
    caught("counting: a reference that is not counted", || without(b'o', 25));
}

#[test]
fn a_missing_tombstone_is_caught() {
    // In a fork the row that says that an entry is gone becomes no row at all.
    caught("tombstones: one that is missing", || {
        Box::new(|rows: &mut Vec<Row>| {
            for (key, value) in rows {
                let is_tombstone = value.as_ref().is_some_and(|value| value.first() == Some(&1));
                if key.first() == Some(&b'd') && is_tombstone {
                    *value = None;
                }
            }
        })
    });
}

#[test]
fn a_read_rule_that_ignores_when_rows_were_superseded_is_caught() {
    // What was superseded at any time counts as valid ever after.
    caught("read rule: when a row was superseded is ignored", || {
        Box::new(|rows: &mut Vec<Row>| {
            for (key, value) in rows {
                let Some(bytes) = value.as_mut().filter(|_| key.first() == Some(&b'H')) else {
                    continue;
                };
                let mut take = nokv_types::codec::Take::new(&bytes[1..]);
                let (tag, Some(_)) = (bytes[0], take.varint()) else {
                    continue;
                };
                let mut never = vec![tag];
                nokv_types::codec::put_varint(&mut never, 1 << 47);
                never.extend_from_slice(take.rest());
                *bytes = never;
            }
        })
    });
}
