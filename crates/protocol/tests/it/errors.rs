//! One closed list of errors, with the same numbers on the wire as everywhere.

use crate::samples::with_frame;
use nokv_protocol::{Error, ErrorKind, Failure, Frame, FrameKind, Refused};
use nokv_types::{Code, Refusal, Retry, Version};

/// Every code: number on the wire, errno, and what the client does. A line of this table never changes; new codes
/// are added.
const CODES: &[(u16, Code, i32, Retry)] = &[
    (1, Code::NotPermitted, 1, Retry::Never),
    (2, Code::NotFound, 2, Retry::Never),
    (4, Code::Cancelled, 4, Retry::Same),
    (5, Code::Io, 5, Retry::Same),
    (13, Code::Forbidden, 13, Retry::Never),
    (17, Code::Exists, 17, Retry::Never),
    (18, Code::CrossDevice, 18, Retry::Never),
    (20, Code::NotADirectory, 20, Retry::Never),
    (21, Code::IsADirectory, 21, Retry::Never),
    (22, Code::Invalid, 22, Retry::Never),
    (27, Code::TooLarge, 27, Retry::Never),
    (28, Code::NoSpace, 28, Retry::Never),
    (30, Code::ReadOnly, 30, Retry::Never),
    (31, Code::TooManyLinks, 31, Retry::Never),
    (36, Code::NameTooLong, 36, Retry::Never),
    (39, Code::NotEmpty, 39, Retry::Never),
    (61, Code::NoAttribute, 61, Retry::Never),
    (95, Code::Unsupported, 95, Retry::Never),
    (100, Code::NameInvalid, 22, Retry::Never),
    (101, Code::PathTooLong, 36, Retry::Never),
    (102, Code::WrongKind, 22, Retry::Never),
    (103, Code::Loop, 22, Retry::Never),
    (104, Code::TooMany, 28, Retry::Never),
    (105, Code::NeedsCompaction, 11, Retry::AfterRefresh),
    (106, Code::Conflict, 11, Retry::AfterRefresh),
    (107, Code::VersionExpired, 116, Retry::Never),
    (108, Code::CursorExpired, 116, Retry::AfterRefresh),
    (109, Code::NotARoot, 22, Retry::Never),
    (110, Code::LiveChanged, 11, Retry::Never),
    (111, Code::TooDeep, 40, Retry::Same),
    (112, Code::InUse, 16, Retry::Never),
    (113, Code::AlreadyRetired, 11, Retry::Never),
    (114, Code::SessionExpired, 11, Retry::AfterRefresh),
    (115, Code::WindowFull, 11, Retry::Same),
    (116, Code::Stale, 116, Retry::AfterRefresh),
    (117, Code::UploadExpired, 116, Retry::AfterRefresh),
    (118, Code::Corrupt, 5, Retry::Never),
    (119, Code::Locked, 16, Retry::Same),
    (120, Code::OutcomeUnknown, 5, Retry::Same),
    (121, Code::Busy, 11, Retry::Same),
    (122, Code::QuotaExceeded, 122, Retry::Never),
    (123, Code::TooNew, 95, Retry::Never),
    (124, Code::Unauthenticated, 13, Retry::AfterRefresh),
    (125, Code::NotReady, 11, Retry::Same),
    (126, Code::Draining, 11, Retry::Same),
    (127, Code::TimedOut, 110, Retry::Same),
    (128, Code::UnknownMessage, 95, Retry::Never),
    (129, Code::Malformed, 71, Retry::Never),
    (130, Code::NoCommonVersion, 93, Retry::Never),
];

#[test]
fn the_list_of_codes_is_closed_and_keeps_its_numbers() {
    assert_eq!(CODES.len(), Code::ALL.len());
    for (number, code, errno, retry) in CODES {
        assert_eq!(*code as u16, *number);
        assert_eq!(Code::from_number(*number), Some(*code));
        assert_eq!((code.errno(), code.retry()), (*errno, *retry), "{code:?}");
        assert!(!code.sentence().is_empty());
    }
}

fn refused(refusal: Refusal) -> Vec<u8> {
    let mut out = Vec::new();
    Refused {
        failure: refusal.into(),
        closing: false,
    }
    .encode(3, &mut out)
    .unwrap();
    out
}

#[test]
fn every_code_travels_as_its_number() {
    for (number, code, ..) in CODES {
        let bytes = refused(Refusal::new(*code, "s").detail("d"));
        with_frame(&bytes, |frame| {
            let mut want = Vec::new();
            nokv_types::codec::put_varint(&mut want, u64::from(*number));
            want.extend_from_slice(&[1, b's', 1, b'd', 0, 0]);
            assert_eq!(frame.body, want);
            assert_eq!(Refused::decode(frame).unwrap().failure.refusal.code, *code);
        });
    }
}

#[test]
fn a_number_that_is_no_code_is_not_guessed() {
    for number in (0..200).filter(|number| Code::from_number(*number).is_none()) {
        let mut body = Vec::new();
        nokv_types::codec::put_varint(&mut body, u64::from(number));
        body.extend_from_slice(&[0, 0, 0, 0]);
        let frame = Frame {
            number: FrameKind::Refused as u8,
            version: 1,
            id: 0,
            body: &body,
        };
        assert_eq!(Refused::decode(&frame).unwrap_err().kind, ErrorKind::Malformed);
    }
}

#[test]
fn every_error_of_reading_and_writing_has_one_code() {
    let codes = ErrorKind::ALL.map(|kind| (kind, kind.code(), kind.is_fatal()));
    assert_eq!(
        codes,
        [
            (ErrorKind::Foreign, Code::Malformed, true),
            (ErrorKind::Corrupt, Code::Corrupt, true),
            (ErrorKind::FrameTooLarge, Code::TooLarge, true),
            (ErrorKind::Unknown, Code::UnknownMessage, false),
            (ErrorKind::TooNew, Code::TooNew, false),
            (ErrorKind::Malformed, Code::Malformed, false),
            (ErrorKind::TooLarge, Code::TooLarge, false),
            (ErrorKind::Unencodable, Code::Invalid, false),
        ]
    );
    for kind in ErrorKind::ALL {
        let error = Error::new(kind, "read", "frame 7", "what was wrong");
        let refused = Refused::about(&error);
        assert_eq!(
            (refused.failure.refusal.code, refused.closing),
            (kind.code(), kind.is_fatal())
        );
        assert_eq!(error.to_string(), "read frame 7: what was wrong");
    }
}

#[test]
fn the_number_beside_a_refusal_means_what_its_code_says() {
    let failure = |code| Failure::from(Refusal::new(code, "s")).hint(7);
    let expired = failure(Code::CursorExpired);
    assert_eq!(
        (expired.oldest_cursor(), expired.pause_ms()),
        (Some(Version(7)), None)
    );
    let busy = failure(Code::Busy);
    assert_eq!((busy.oldest_cursor(), busy.pause_ms()), (None, Some(7)));
    let large = failure(Code::TooLarge);
    assert_eq!((large.oldest_cursor(), large.pause_ms()), (None, None));
    let silent = Failure::from(Refusal::new(Code::Busy, "s"));
    assert_eq!(silent.pause_ms(), None);
}
