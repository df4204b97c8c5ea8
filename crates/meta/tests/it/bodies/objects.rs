//! The life of objects: counted, dead, referred to again, condemned, forgotten.

use super::support::{Bodies, HOUR, blank, inline, inode, named, refusal};
use nokv_meta::{ObjectStanding, ObjectTotals};
use nokv_types::{Code, Command, Extent, ObjectId, Outcome, RANGE_BYTES, Source, Version, Work};

fn object_of(extent: &Extent) -> ObjectId {
    match &extent.source {
        Source::Slice(slice) => slice.object,
        Source::Inline(_) => unreachable!(),
    }
}

fn done(bodies: &mut Bodies, work: Work) -> u64 {
    match bodies.run(Command::Work(work)).unwrap().outcome {
        Outcome::Worked { done, .. } => done,
        other => panic!("{other:?}"),
    }
}

/// What may be condemned when nothing but the grace of an hour holds it back.
fn dead(bodies: &Bodies) -> Vec<ObjectId> {
    let now = bodies.world.clock.log_ns;
    let all = (Version::HEAD, Version::HEAD);
    let dead = bodies
        .reader(|reader| reader.dead_objects(now, HOUR, all, 10))
        .unwrap();
    dead.into_iter().map(|dead| dead.object).collect()
}

fn standing(bodies: &Bodies, id: ObjectId) -> Option<ObjectStanding> {
    bodies
        .reader(|reader| reader.object_info(id))
        .unwrap()
        .map(|info| info.standing)
}

#[test]
fn an_object_is_counted_once_per_extent_that_refers_to_it() {
    let mut bodies = Bodies::new();
    let whole = bodies.stored(0, b"0123456789");
    let id = object_of(&whole);
    let info = |bodies: &Bodies| bodies.reader(|reader| reader.object_info(id)).unwrap().unwrap();
    let node = bodies.file("a", 10, vec![whole]);
    assert_eq!(
        (
            info(&bodies).references,
            info(&bodies).live_bytes,
            info(&bodies).len
        ),
        (1, 10, 10)
    );
    inode(bodies.run(Command::PunchHole {
        node,
        from: 2,
        len: 6,
    }));
    assert_eq!((info(&bodies).references, info(&bodies).live_bytes), (3, 14));
    bodies.prune();
    assert_eq!((info(&bodies).references, info(&bodies).live_bytes), (2, 4));
    let sparse = bodies.reader(|reader| reader.sparse_objects(None, 10)).unwrap();
    assert_eq!(sparse, [info(&bodies)]);
    let none = bodies
        .reader(|reader| reader.sparse_objects(Some(id), 10))
        .unwrap();
    assert!(none.is_empty());
    bodies.prove();
}

#[test]
fn a_dead_object_waits_for_grace_durability_and_checkpoints() {
    let mut bodies = Bodies::new();
    let extent = bodies.stored(0, b"bytes");
    let id = object_of(&extent);
    bodies.file("a", 5, vec![extent]);
    bodies.unlink("a");
    assert_eq!(
        standing(&bodies, id),
        Some(ObjectStanding::Live),
        "the window still shows it"
    );
    bodies.prune();
    let Some(ObjectStanding::Dead(since)) = standing(&bodies, id) else {
        panic!("{:?}", standing(&bodies, id));
    };
    let now = bodies.world.clock.log_ns;
    let ask = |now, durable, checkpoint| {
        let answer = bodies.reader(|reader| reader.dead_objects(now, HOUR, (durable, checkpoint), 10));
        answer.unwrap().len()
    };
    let later = Version(since.0 + 1);
    assert_eq!(ask(now, since, later), 0, "the grace is not over");
    assert_eq!(
        ask(now + HOUR, Version(since.0 - 1), later),
        0,
        "its death is not durable"
    );
    let earlier = Version(since.0 - 1);
    assert_eq!(ask(now + HOUR, since, earlier), 0, "a checkpoint still shows it");
    assert_eq!(
        ask(now + HOUR, since, since),
        1,
        "the oldest checkpoint has its death"
    );
    assert_eq!(ask(now + HOUR, since, later), 1);
    assert_eq!(bodies.reader(|reader| reader.dead_count()).unwrap(), 1);
}

#[test]
fn a_dead_object_can_be_referred_to_again_and_a_condemned_one_cannot() {
    let mut bodies = Bodies::new();
    let extent = bodies.stored(0, b"bytes");
    let id = object_of(&extent);
    let again = |bodies: &mut Bodies| bodies.publish(named("a"), 5, vec![extent.clone()]);
    again(&mut bodies).unwrap();
    bodies.unlink("a");
    bodies.prune();
    bodies.pass(HOUR);
    assert_eq!(dead(&bodies), [id]);
    again(&mut bodies).unwrap();
    assert!(dead(&bodies).is_empty());
    assert_eq!(
        done(&mut bodies, Work::CondemnObjects { objects: vec![id] }),
        0,
        "it lives"
    );
    bodies.prove();
    bodies.unlink("a");
    bodies.prune();
    bodies.pass(HOUR);
    assert_eq!(
        done(&mut bodies, Work::ObjectsDeleted { objects: vec![id] }),
        0,
        "not condemned"
    );
    assert_eq!(done(&mut bodies, Work::CondemnObjects { objects: vec![id] }), 1);
    assert_eq!(standing(&bodies, id), Some(ObjectStanding::Condemned));
    assert!(dead(&bodies).is_empty());
    assert_eq!(bodies.reader(|reader| reader.dead_count()).unwrap(), 0);
    assert_eq!(bodies.reader(|reader| reader.condemned_objects(9)).unwrap(), [id]);
    assert_eq!(refusal(again(&mut bodies)).code, Code::UploadExpired);
    bodies.prove();
    assert_eq!(done(&mut bodies, Work::ObjectsDeleted { objects: vec![id] }), 1);
    assert!(
        bodies
            .reader(|reader| reader.condemned_objects(9))
            .unwrap()
            .is_empty()
    );
    assert_eq!(refusal(again(&mut bodies)).code, Code::UploadExpired);
    bodies.prove();
}

#[test]
fn a_deleted_object_stays_barred_as_long_as_its_reservation() {
    let mut bodies = Bodies::new();
    let early = bodies.stored(0, b"early");
    let id = object_of(&early);
    bodies.file("a", 5, vec![early.clone()]);
    bodies.unlink("a");
    bodies.prune();
    done(&mut bodies, Work::CondemnObjects { objects: vec![id] });
    done(&mut bodies, Work::ObjectsDeleted { objects: vec![id] });
    assert_eq!(standing(&bodies, id), Some(ObjectStanding::Deleted));
    let reused = refusal(bodies.publish(named("b"), 5, vec![early.clone()]));
    assert_eq!(
        reused.code,
        Code::UploadExpired,
        "although its reservation has not ended"
    );
    bodies.pass(6 * HOUR);
    let now = bodies.world.clock.log_ns;
    let due = bodies.reader(|reader| reader.reservations_due(now, 9)).unwrap();
    assert!(
        due[0].objects.contains(&id),
        "a late upload may have brought it back"
    );
    let reservation = due[0].reservation;
    done(&mut bodies, Work::ReservationSwept { reservation });
    bodies.pass(24 * HOUR);
    done(&mut bodies, Work::ReservationSwept { reservation });
    assert_eq!(standing(&bodies, id), None);
    assert_eq!((bodies.rows_of(b'o'), bodies.rows_of(b'v')), (0, 0));
    assert_eq!(
        refusal(bodies.publish(named("b"), 5, vec![early])).code,
        Code::UploadExpired
    );
}

#[test]
fn what_keeps_an_object_is_told_with_paths() {
    let mut bodies = Bodies::new();
    let id = bodies.id();
    let node = bodies.file("a", RANGE_BYTES + 9, vec![blank(RANGE_BYTES, 4, id)]);
    let first = bodies.version();
    inode(bodies.run(Command::Write {
        node,
        expect: None,
        extents: vec![inline(RANGE_BYTES, b"x")],
    }));
    let second = bodies.version();
    bodies
        .run(Command::BeginUpload {
            session: nokv_types::SessionId(0),
        })
        .unwrap();
    let upload = nokv_types::UploadId(bodies.version().0);
    bodies
        .run(Command::Stage {
            upload,
            range: 0,
            extents: vec![blank(0, 4, id)],
        })
        .unwrap();
    let told = bodies.reader(|reader| reader.explain(id, 10)).unwrap();
    let rows: Vec<_> = told
        .iter()
        .map(|row| (row.body, row.range, row.current))
        .collect();
    let body = |generation| Some((node.timeline, node.ino, generation));
    assert_eq!(
        rows,
        [
            (body(second), Some(1), true),
            (body(first), Some(1), false),
            (None, None, false)
        ]
    );
    assert_eq!(told[0].path.as_ref().unwrap().to_string(), "/a");
    inode(bodies.run(Command::Publish {
        target: named("b"),
        body: nokv_types::NewBody::Staged { size: 4, upload },
        expect: None,
        xattrs: Vec::new(),
    }));
    let told = bodies.reader(|reader| reader.explain(id, 10)).unwrap();
    assert_eq!(told.len(), 3);
    let whole = told.iter().find(|row| row.range.is_none()).unwrap();
    assert_eq!(
        (whole.current, whole.path.as_ref().unwrap().to_string()),
        (true, "/b".to_owned())
    );
    assert_eq!(bodies.reader(|reader| reader.explain(id, 1)).unwrap().len(), 1);
    assert!(
        bodies
            .reader(|reader| reader.explain(ObjectId(3), 9))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn the_totals_follow_every_object_through_its_life() {
    let mut bodies = Bodies::new();
    let totals = |bodies: &Bodies| bodies.reader(|reader| reader.object_totals()).unwrap();
    let want = |live, live_bytes, waiting, waiting_bytes| ObjectTotals {
        live,
        live_bytes,
        waiting,
        waiting_bytes,
    };
    let (one, two) = (bodies.stored(0, b"0123456789"), bodies.stored(0, b"abc"));
    let id = object_of(&one);
    bodies.file("a", 10, vec![one.clone()]);
    bodies.file("b", 3, vec![two]);
    assert_eq!(totals(&bodies), want(2, 13, 0, 0));
    // Refused: nothing is counted.
    let answer = bodies.publish(named("c"), 1, vec![one.clone()]);
    refusal(answer);
    assert_eq!(totals(&bodies), want(2, 13, 0, 0));
    bodies.publish(named("a"), 1, vec![inline(0, b"x")]).unwrap();
    bodies.prune();
    assert_eq!(totals(&bodies), want(1, 3, 1, 10));
    bodies.file("again", 10, vec![one]);
    assert_eq!(totals(&bodies), want(2, 13, 0, 0));
    bodies.publish(named("again"), 1, vec![inline(0, b"x")]).unwrap();
    bodies.prune();
    assert_eq!(done(&mut bodies, Work::CondemnObjects { objects: vec![id] }), 1);
    assert_eq!(totals(&bodies), want(1, 3, 1, 10));
    bodies.world.state =
        nokv_meta::State::load(&bodies.world.store, bodies.world.state.last_version()).unwrap();
    assert_eq!(done(&mut bodies, Work::ObjectsDeleted { objects: vec![id] }), 1);
    assert_eq!(totals(&bodies), want(1, 3, 0, 0));
}
