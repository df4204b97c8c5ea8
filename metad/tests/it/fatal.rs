//! After a failed sync nothing is answered any more, and the handler is told once.

use crate::world::{ROOT, World, create, file, names, one};
use nokv_client::{Ack, Namespace as _};
use nokv_metad::{EXIT_FATAL, Embedded, Options};
use nokv_types::failpoint::{Action, arm, disarm, isolate};
use nokv_types::{Code, NewKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn a_failed_sync_ends_the_engine_and_recovery_finds_what_was_durable() {
    isolate();
    assert_eq!(EXIT_FATAL, 74);
    let world = World::new();
    let told = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&told);
    let options = Options {
        fatal: Arc::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        }),
        ..world.options()
    };
    let namespace = Embedded::create(world.path(), options).unwrap();
    file(&namespace, ROOT, "kept");
    arm("journal.sync.before", 1, Action::Eio);
    let open = one(&namespace, create(ROOT, "open", NewKind::File), Ack::Durable).unwrap_err();
    assert_eq!(open.code, Code::OutcomeUnknown, "{open}");
    let refused = one(&namespace, create(ROOT, "late", NewKind::File), Ack::Applied).unwrap_err();
    assert_eq!(refused.code, Code::Io, "{refused}");
    assert!(namespace.engine().failure().is_some());
    assert!(namespace.close().is_err());
    assert_eq!(told.load(Ordering::SeqCst), 1, "told once");
    drop(namespace);
    disarm();
    let namespace = world.open();
    let found = names(&namespace, ROOT);
    assert!(found == ["kept"] || found == ["kept", "open"], "{found:?}");
    assert!(namespace.version().unwrap().0 > 1);
}

#[test]
fn a_long_list_of_one_caller_is_answered_piece_by_piece() {
    let world = World::new();
    let namespace = world.create();
    let too_many = nokv_metad::QUEUE_COMMANDS_MAX / 64 + 1;
    // Pieces go one after the other: a long list of one caller is no overload.
    let requests = (0..too_many)
        .map(|i| create(ROOT, &format!("f{i}"), NewKind::File))
        .collect();
    let answers = namespace.submit(requests, Ack::Durable);
    assert_eq!(answers.len(), too_many);
    assert!(answers.iter().all(Result::is_ok));
}
