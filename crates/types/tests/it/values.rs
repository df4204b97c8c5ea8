//! Codes, ids, digests and kinds.

use nokv_types::{Code, Digest, FileKind, ObjectId, RESERVATION_OBJECTS, Refusal, ReservationId, Retry};
use std::collections::BTreeSet;

#[test]
fn every_code_has_a_number_an_errno_and_a_sentence_of_its_own() {
    let numbers: BTreeSet<u16> = Code::ALL.iter().map(|code| *code as u16).collect();
    let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    let sentences: BTreeSet<&str> = Code::ALL.iter().map(|code| code.sentence()).collect();
    assert_eq!(
        (numbers.len(), names.len(), sentences.len()),
        (Code::ALL.len(), Code::ALL.len(), Code::ALL.len())
    );
    for code in Code::ALL {
        assert_eq!(Code::from_number(*code as u16), Some(*code));
        assert!((1..=133).contains(&code.errno()), "{code:?}");
    }
    assert_eq!(Code::from_number(0), None);
}

#[test]
fn codes_that_are_errnos_answer_themselves() {
    for code in Code::ALL.iter().filter(|code| (**code as i32) < 100) {
        assert_eq!(code.errno(), *code as i32, "{code:?}");
    }
    assert_eq!(
        (Code::Busy.retry(), Code::Stale.retry()),
        (Retry::Same, Retry::AfterRefresh)
    );
}

#[test]
fn a_refusal_reads_as_a_sentence() {
    let refusal = Refusal::new(Code::Exists, "/a");
    assert_eq!(refusal.to_string(), "/a exists already");
    assert_eq!(
        refusal.detail("try another").to_string(),
        "/a exists already: try another"
    );
}

#[test]
fn object_ids_say_where_they_come_from_and_cannot_be_guessed() {
    let seed = [7; 16];
    let reservation = ReservationId(0x1234_5678_9abc);
    let ids: BTreeSet<u64> = (0..RESERVATION_OBJECTS)
        .map(|index| {
            let id = ObjectId::derive(&seed, reservation, index);
            assert_eq!((id.reservation(), id.index()), (reservation, index));
            (id.0 >> 64) as u64
        })
        .collect();
    assert_eq!(
        ids.len(),
        usize::from(RESERVATION_OBJECTS),
        "the secret halves differ"
    );
    let other = ObjectId::derive(&[8; 16], reservation, 0);
    assert_ne!(other, ObjectId::derive(&seed, reservation, 0));
}

#[test]
fn digests_match_only_their_bytes() {
    for digest in [Digest::blake3(b"abc"), Digest::crc32c(b"abc")] {
        assert!(digest.matches(b"abc"));
        assert!(!digest.matches(b"abd") && !digest.matches(b""));
    }
    assert_eq!(Digest::crc32c(b"123456789"), Digest::Crc32c(0xe306_9283));
}

#[test]
fn kinds_come_back_from_their_numbers() {
    for number in 1..=7 {
        assert_eq!(FileKind::from_number(number).unwrap() as u8, number);
    }
    assert!(FileKind::from_number(0).is_none() && FileKind::from_number(8).is_none());
}
