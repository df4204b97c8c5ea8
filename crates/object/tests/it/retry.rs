//! What retries find out, what they leave unknown, and when they stop.

use std::sync::Arc;
use std::time::Duration;

use nokv_object::faulty::{Fault, FaultRates, FaultyStore};
use nokv_object::memory::MemoryStore;
use nokv_object::retry::{RETRY_DEADLINE, RETRY_TOKENS_MAX, RetryPolicy, RetryStore};
use nokv_object::{ErrorKind, Key, ObjectStore, Op, PutOutcome};

use crate::pace::TestPace;

struct Rig {
    memory: Arc<MemoryStore>,
    faulty: Arc<FaultyStore>,
    pace: Arc<TestPace>,
    store: RetryStore,
}

fn rig(policy: RetryPolicy) -> Rig {
    let memory = Arc::new(MemoryStore::new());
    let faulty = Arc::new(FaultyStore::new(memory.clone(), 1, FaultRates::none()));
    let pace = Arc::new(TestPace::new(2));
    let store = RetryStore::new(faulty.clone(), policy, pace.clone());
    Rig {
        memory,
        faulty,
        pace,
        store,
    }
}

impl Rig {
    fn fail(&self, op: Op, faults: &[Fault]) {
        for &fault in faults {
            self.faulty.script(op, fault);
        }
    }
}

fn key() -> Key {
    Key::new("meta/log/0000000000000001").unwrap()
}

fn create(store: &dyn ObjectStore, bytes: &[u8]) -> nokv_object::Result<PutOutcome> {
    store.put_if_absent(&key(), bytes, crc32c::crc32c(bytes))
}

#[test]
fn a_creation_whose_answer_is_lost_is_found_to_be_ours() {
    let rig = rig(RetryPolicy::default());
    rig.fail(Op::PutIfAbsent, &[Fault::LostAnswer]);
    assert_eq!(create(&rig.store, b"ours").unwrap(), PutOutcome::Created);
    assert_eq!(rig.memory.get(&key()).unwrap().bytes, b"ours");
    assert_eq!(rig.pace.sleeps().len(), 1);
}

#[test]
fn a_creation_that_lost_to_another_writer_while_unanswered_is_found_to_be_theirs() {
    let rig = rig(RetryPolicy::default());
    rig.fail(Op::PutIfAbsent, &[Fault::NoAnswer, Fault::Race]);
    assert_eq!(create(&rig.store, b"ours").unwrap(), PutOutcome::AlreadyExists);
    assert_eq!(rig.memory.get(&key()).unwrap().bytes, b"ours~");
}

#[test]
fn a_late_creation_that_meets_its_own_repetition_changes_nothing() {
    let rig = rig(RetryPolicy::default());
    rig.fail(Op::PutIfAbsent, &[Fault::Late]);
    assert_eq!(create(&rig.store, b"ours").unwrap(), PutOutcome::Created);
    assert_eq!(rig.faulty.land_late(), 0);
    assert_eq!(rig.memory.get(&key()).unwrap().bytes, b"ours");
}

#[test]
fn a_late_creation_lands_after_a_deletion_and_a_second_deletion_removes_it() {
    let rig = rig(RetryPolicy {
        attempts_max: 1,
        ..RetryPolicy::default()
    });
    rig.fail(Op::PutIfAbsent, &[Fault::Late]);
    assert_eq!(
        create(&rig.store, b"ours").unwrap_err().kind,
        ErrorKind::OutcomeUnknown
    );
    rig.store.delete(&[key()]).unwrap();
    assert_eq!(rig.faulty.land_late(), 1);
    assert!(rig.store.head(&key()).unwrap().is_some());
    rig.store.delete(&[key()]).unwrap();
    assert!(rig.memory.is_empty());
}

#[test]
fn a_creation_that_nobody_can_account_for_stays_unknown() {
    let rig = rig(RetryPolicy {
        attempts_max: 3,
        ..RetryPolicy::default()
    });
    rig.fail(
        Op::PutIfAbsent,
        &[Fault::NoAnswer, Fault::Unreachable, Fault::Unreachable],
    );
    rig.fail(Op::Get, &[Fault::Unreachable]);
    assert_eq!(
        create(&rig.store, b"ours").unwrap_err().kind,
        ErrorKind::OutcomeUnknown
    );
}

#[test]
fn a_last_look_settles_a_creation_when_attempts_are_used_up() {
    let rig = rig(RetryPolicy {
        attempts_max: 1,
        ..RetryPolicy::default()
    });
    rig.fail(Op::PutIfAbsent, &[Fault::LostAnswer, Fault::LostAnswer]);
    assert_eq!(create(&rig.store, b"ours").unwrap(), PutOutcome::Created);
    assert_eq!(create(&rig.store, b"another").unwrap(), PutOutcome::AlreadyExists);
}

#[test]
fn refusals_that_did_nothing_are_reported_as_they_are() {
    let rig = rig(RetryPolicy {
        attempts_max: 2,
        ..RetryPolicy::default()
    });
    rig.fail(Op::PutIfAbsent, &[Fault::Throttle, Fault::Throttle]);
    assert_eq!(
        create(&rig.store, b"ours").unwrap_err().kind,
        ErrorKind::Throttled
    );
    for (fault, kind) in [(Fault::Full, ErrorKind::Full), (Fault::Denied, ErrorKind::Denied)] {
        let sleeps = rig.pace.sleeps().len();
        rig.fail(Op::PutIfAbsent, &[fault]);
        assert_eq!(create(&rig.store, b"ours").unwrap_err().kind, kind);
        assert_eq!(rig.pace.sleeps().len(), sleeps, "{kind:?} was tried again");
    }
    assert!(rig.memory.is_empty());
}

#[test]
fn a_swap_whose_answer_is_lost_is_found_to_be_ours_with_its_tag() {
    let rig = rig(RetryPolicy::default());
    let first = rig.store.put_if_match(&key(), b"one", None).unwrap();
    rig.fail(Op::PutIfMatch, &[Fault::LostAnswer]);
    let second = rig.store.put_if_match(&key(), b"two", Some(&first)).unwrap();
    assert_eq!(rig.memory.get(&key()).unwrap().etag, second);
    rig.store.put_if_match(&key(), b"three", Some(&second)).unwrap();
}

#[test]
fn a_swap_that_another_writer_overtook_is_refused() {
    let rig = rig(RetryPolicy::default());
    let first = rig.store.put_if_match(&key(), b"one", None).unwrap();
    rig.fail(Op::PutIfMatch, &[Fault::NoAnswer, Fault::Race]);
    let refused = rig.store.put_if_match(&key(), b"two", Some(&first)).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Precondition);
    assert_eq!(rig.memory.get(&key()).unwrap().bytes, b"two~");
}

#[test]
fn a_swap_that_may_still_arrive_stays_unknown_until_it_cannot() {
    let rig = rig(RetryPolicy {
        attempts_max: 1,
        ..RetryPolicy::default()
    });
    let first = rig.store.put_if_match(&key(), b"one", None).unwrap();
    rig.fail(Op::PutIfMatch, &[Fault::Late]);
    let unknown = rig.store.put_if_match(&key(), b"two", Some(&first)).unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::OutcomeUnknown);
    rig.store.put_if_match(&key(), b"three", Some(&first)).unwrap();
    assert_eq!(
        rig.faulty.land_late(),
        0,
        "a late swap from a version that is gone took effect"
    );
    rig.fail(Op::PutIfMatch, &[Fault::Late]);
    let settled = rig.store.put_if_match(&key(), b"four", Some(&first)).unwrap_err();
    assert_eq!(settled.kind, ErrorKind::Precondition);
}

#[test]
fn reads_and_deletions_are_repeated_until_they_succeed() {
    let rig = rig(RetryPolicy::default());
    create(&rig.store, b"0123456789").unwrap();
    rig.fail(Op::Get, &[Fault::CutRead, Fault::NoAnswer, Fault::Throttle]);
    assert_eq!(rig.store.get(&key()).unwrap().bytes, b"0123456789");
    rig.fail(Op::GetRange, &[Fault::CutRead]);
    assert_eq!(rig.store.get_range(&key(), 2, 3).unwrap(), b"234");
    rig.fail(Op::Head, &[Fault::Unreachable]);
    assert_eq!(rig.store.head(&key()).unwrap().unwrap().size_bytes, 10);
    rig.fail(Op::List, &[Fault::Throttle]);
    assert_eq!(rig.store.list("", None, 5).unwrap().len(), 1);
    rig.fail(Op::Delete, &[Fault::NoAnswer, Fault::LostAnswer]);
    rig.store.delete(&[key()]).unwrap();
    assert!(rig.memory.is_empty());
}

#[test]
fn a_call_ends_at_its_deadline_however_many_attempts_are_left() {
    let rig = rig(RetryPolicy {
        attempts_max: 10_000,
        tokens_max: u32::MAX,
        ..RetryPolicy::default()
    });
    rig.fail(Op::Get, &[Fault::NoAnswer; 200]);
    assert_eq!(rig.store.get(&key()).unwrap_err().kind, ErrorKind::Timeout);
    let slept: Duration = rig.pace.sleeps().iter().sum();
    assert!(slept < RETRY_DEADLINE && slept > RETRY_DEADLINE / 2, "{slept:?}");
}

#[test]
fn a_store_in_trouble_is_not_asked_more_often_than_the_budget_allows() {
    let rig = rig(RetryPolicy::default());
    rig.fail(Op::Get, &[Fault::Unreachable; 400]);
    while rig.store.tokens() >= 5 {
        assert_eq!(rig.store.get(&key()).unwrap_err().kind, ErrorKind::Unavailable);
    }
    assert_eq!(rig.pace.sleeps().len(), RETRY_TOKENS_MAX as usize / 5);
    assert_eq!(rig.store.get(&key()).unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(
        rig.pace.sleeps().len(),
        RETRY_TOKENS_MAX as usize / 5,
        "retried without a budget"
    );
    // Successes earn retries again.
    while rig.store.tokens() < 5 {
        rig.store.delete(&[]).unwrap();
    }
    assert_eq!(rig.store.get(&key()).unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(rig.pace.sleeps().len(), RETRY_TOKENS_MAX as usize / 5 + 1);
}
