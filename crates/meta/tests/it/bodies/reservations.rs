//! Reservations of object ids: durable before an upload, swept twice after their end.

use super::support::{Bodies, HOUR, SEED, blank, named, refusal};
use nokv_meta::{SWEEP_PAUSE_NS, UPLOAD_REQUEST_NS, UPLOAD_URL_NS};
use nokv_types::{
    Code, Command, ObjectId, Outcome, RESERVATION_OBJECTS, ReservationId, SessionId, Version, Work,
};

fn swept(bodies: &mut Bodies, reservation: ReservationId) -> Outcome {
    bodies
        .run(Command::Work(Work::ReservationSwept { reservation }))
        .unwrap()
        .outcome
}

fn worked(done: u64, more: bool) -> Outcome {
    Outcome::Worked { done, more }
}

#[test]
fn ids_are_publishable_until_their_reservation_ends() {
    let mut bodies = Bodies::new();
    let (used, unused) = (bodies.id(), bodies.id());
    let info = bodies
        .reader(|reader| reader.reservation(used.reservation()))
        .unwrap()
        .unwrap();
    assert_eq!((info.seed, info.sweeps), (SEED, 0));
    let made = bodies.world.clock.log_ns;
    assert_eq!(info.expires_ns, made + UPLOAD_URL_NS + UPLOAD_REQUEST_NS);
    bodies.publish(named("a"), 4, vec![blank(0, 4, used)]).unwrap();
    bodies.pass(info.expires_ns - made);
    let late = refusal(bodies.publish(named("b"), 4, vec![blank(0, 4, unused)]));
    assert_eq!(late.code, Code::UploadExpired);
    assert!(late.subject.contains(&format!("{:032x}", unused.0)), "{late}");
    bodies.publish(named("b"), 4, vec![blank(0, 4, used)]).unwrap();
    bodies.prove();
}

#[test]
fn an_ended_reservation_is_swept_twice_a_day_apart() {
    let mut bodies = Bodies::new();
    let used = bodies.id();
    let reservation = used.reservation();
    bodies.publish(named("a"), 4, vec![blank(0, 4, used)]).unwrap();
    let due = |bodies: &Bodies| {
        let now = bodies.world.clock.log_ns;
        bodies.reader(|reader| reader.reservations_due(now, 9)).unwrap()
    };
    assert!(due(&bodies).is_empty());
    let early = Command::Work(Work::ReservationSwept { reservation });
    assert_eq!(refusal(bodies.run(early.clone())).code, Code::InUse);
    bodies.pass(UPLOAD_URL_NS + UPLOAD_REQUEST_NS);
    bodies.forget_reservation();
    let next = bodies.id();
    let first = due(&bodies);
    assert_eq!(first.len(), 1);
    let all = (0..RESERVATION_OBJECTS).map(|index| ObjectId::derive(&SEED, reservation, index));
    let want: Vec<ObjectId> = all.filter(|id| *id != used).collect();
    assert_eq!(first[0].objects, want);
    assert_eq!(swept(&mut bodies, reservation), worked(1, true));
    assert!(due(&bodies).is_empty());
    assert_eq!(refusal(bodies.run(early)).code, Code::InUse);
    bodies.pass(SWEEP_PAUSE_NS);
    let second = due(&bodies);
    assert_eq!(second[0].objects, want);
    assert_eq!(second[1].reservation, next.reservation());
    assert_eq!(swept(&mut bodies, reservation), worked(1, false));
    assert_eq!(swept(&mut bodies, reservation), worked(0, false));
    assert_eq!(
        bodies.reader(|reader| reader.reservation(reservation)).unwrap(),
        None
    );
    bodies.pass(HOUR);
    bodies.publish(named("b"), 4, vec![blank(0, 4, used)]).unwrap();
    bodies.prove();
}

#[test]
fn a_swept_reservation_does_not_hide_those_that_end_after_it() {
    let mut bodies = Bodies::new();
    let reserve = |bodies: &mut Bodies| {
        bodies.forget_reservation();
        bodies.id().reservation()
    };
    let first = reserve(&mut bodies);
    bodies.pass(HOUR);
    let second = reserve(&mut bodies);
    bodies.pass(4 * HOUR);
    swept(&mut bodies, first);
    bodies.pass(HOUR);
    let now = bodies.world.clock.log_ns;
    let due = bodies.reader(|reader| reader.reservations_due(now, 9)).unwrap();
    let due: Vec<_> = due.into_iter().map(|due| due.reservation).collect();
    assert_eq!(due, [second]);
}

#[test]
fn uploads_of_those_who_are_gone_end_and_no_others() {
    let mut bodies = Bodies::new();
    let begin = |bodies: &mut Bodies| {
        let session = SessionId(0);
        match bodies.run(Command::BeginUpload { session }).unwrap().outcome {
            Outcome::Upload(upload) => upload,
            other => panic!("{other:?}"),
        }
    };
    let (used, unused) = (bodies.id(), bodies.id());
    let former = used.reservation();
    bodies.publish(named("a"), 4, vec![blank(0, 4, used)]).unwrap();
    let given_up = begin(&mut bodies);
    bodies.forget_reservation();
    let own = bodies.id();
    let kept = begin(&mut bodies);
    let up_to = Version(given_up.0);
    let end = |bodies: &mut Bodies, ids| {
        let work = Work::EndUploads { up_to, ids };
        bodies.run(Command::Work(work)).unwrap().outcome
    };
    assert_eq!(end(&mut bodies, false), worked(1, false));
    bodies.publish(named("b"), 4, vec![blank(0, 4, unused)]).unwrap();
    assert_eq!(end(&mut bodies, true), worked(1, false));
    assert_eq!(end(&mut bodies, true), worked(0, false));
    let late = ObjectId::derive(&SEED, former, 2);
    let refused = refusal(bodies.publish(named("c"), 4, vec![blank(0, 4, late)]));
    assert_eq!(refused.code, Code::UploadExpired);
    let now = bodies.world.clock.log_ns;
    let due = bodies.reader(|reader| reader.reservations_due(now, 9)).unwrap();
    assert_eq!(
        due.iter().map(|due| due.reservation).collect::<Vec<_>>(),
        [former]
    );
    assert!(!due[0].objects.contains(&used) && !due[0].objects.contains(&unused));
    // Those of the living go on.
    bodies.publish(named("d"), 4, vec![blank(0, 4, own)]).unwrap();
    let abandon = |upload| Command::AbandonUpload { upload };
    assert_eq!(refusal(bodies.run(abandon(given_up))).code, Code::UploadExpired);
    bodies.run(abandon(kept)).unwrap();
    bodies.prove();
}
