//! Events as bytes.

use nokv_types::codec::Take;
use nokv_types::{Event, EventKind, Ino, Name, TimelineId, Version};

fn event() -> Event {
    Event {
        version: Version(105),
        kind: EventKind::Rename,
        timeline: TimelineId(1),
        ino: Ino(300),
        parent: Ino(2),
        name: b"new".to_vec(),
        from: Some((Ino(3), Name::new(b"old").unwrap())),
        generation: Version(7),
        actor: b"me".to_vec(),
    }
}

#[test]
fn bytes_of_events_are_fixed() {
    let mut out = Vec::new();
    event().encode(Version(100), &mut out);
    let want: [&[u8]; 5] = [
        &[3, 5, 1, 0xac, 2, 2, 3],
        b"new",
        &[1, 3, 3],
        b"old",
        &[7, 2, b'm', b'e'],
    ];
    assert_eq!(out, want.concat());
    let mut take = Take::new(&out);
    assert_eq!(Event::decode(Version(100), &mut take), Some(event()));
    assert!(take.is_empty());
    for len in 0..out.len() {
        assert_eq!(
            Event::decode(Version(100), &mut Take::new(&out[..len])),
            None,
            "cut to {len}"
        );
    }
}

#[test]
fn events_of_every_kind_come_back() {
    for kind in EventKind::ALL {
        let event = Event {
            kind,
            from: None,
            ..event()
        };
        let mut out = Vec::new();
        event.encode(Version(0), &mut out);
        assert_eq!(Event::decode(Version(0), &mut Take::new(&out)), Some(event));
        assert_eq!(EventKind::from_number(kind as u8), Some(kind));
    }
    assert_eq!(EventKind::from_number(0), None);
    assert_eq!(EventKind::from_number(EventKind::ALL.len() as u8 + 1), None);
}

#[test]
fn an_old_name_that_is_no_name_is_damage() {
    let mut out = Vec::new();
    event().encode(Version(100), &mut out);
    let at = out.windows(3).position(|bytes| bytes == b"old").unwrap();
    out[at] = b'/';
    assert_eq!(Event::decode(Version(100), &mut Take::new(&out)), None);
}
