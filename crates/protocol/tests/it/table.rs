//! The table of operations: what each needs, and that the page about the protocol has them all.

use nokv_protocol::{
    Ask, Class, FrameKind, Mode, Need, Notice, Op, OpKind, Push, RESERVED_OPS, RESERVED_PUSHES, Shape,
};
use nokv_types::{Code, Command};
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../../docs/formats/protocol.md");

#[test]
fn every_operation_has_a_number_a_name_and_a_need() {
    let numbers: BTreeSet<u16> = OpKind::ALL.iter().map(|kind| *kind as u16).collect();
    let names: BTreeSet<&str> = OpKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(
        (numbers.len(), names.len()),
        (OpKind::ALL.len(), OpKind::ALL.len())
    );
    for kind in OpKind::ALL {
        assert_eq!(OpKind::from_number(*kind as u16), Some(*kind));
        let is_change = kind.class() == Class::Change || *kind == OpKind::Rehearse;
        assert_eq!(kind.shape() == Shape::Changed, is_change, "{kind:?}");
        assert!(!RESERVED_OPS.contains(&(*kind as u16)));
        assert_eq!(kind.version(), 1);
    }
    for (number, _) in Push::NUMBERS {
        assert!(!RESERVED_PUSHES.contains(number));
    }
}

#[test]
fn what_a_mode_may_do() {
    let granted = |mode: Mode| Need::ALL.map(|need| mode.grants(need));
    // Renewal, Read, Add, Write, Admin.
    assert_eq!(granted(Mode::Renewal), [true, false, false, false, false]);
    assert_eq!(granted(Mode::Ro), [true, true, false, false, false]);
    assert_eq!(granted(Mode::Publish), [true, true, true, false, false]);
    assert_eq!(granted(Mode::Rw), [true, true, true, true, false]);
    assert_eq!(granted(Mode::Admin), [true; 5]);
}

#[test]
fn a_reader_changes_nothing_but_its_own_session() {
    let own = [
        OpKind::SessionRenew,
        OpKind::SessionClose,
        OpKind::Open,
        OpKind::Close,
    ];
    for kind in OpKind::ALL {
        if kind.class() == Class::Change && Mode::Ro.grants(kind.need()) {
            assert!(own.contains(kind), "{kind:?}");
        }
    }
}

#[test]
fn a_supervisor_renews_and_nothing_else() {
    let may: Vec<OpKind> = OpKind::ALL
        .iter()
        .copied()
        .filter(|kind| Mode::Renewal.grants(kind.need()))
        .collect();
    assert_eq!(may, [OpKind::RenewLeases, OpKind::Authenticate]);
}

#[test]
fn nothing_is_removed_or_rewritten_by_who_may_only_publish() {
    let removing = [
        OpKind::Unlink,
        OpKind::Rmdir,
        OpKind::RemoveTree,
        OpKind::Rename,
        OpKind::Write,
        OpKind::SetSize,
        OpKind::PunchHole,
        OpKind::RemoveXattr,
        OpKind::SnapshotRelease,
        OpKind::RootDelete,
    ];
    for kind in removing {
        assert!(!Mode::Publish.grants(kind.need()), "{kind:?}");
    }
    assert!(Mode::Publish.grants(OpKind::Publish.need()));
}

/// A row of the page.
fn has(row: &str) {
    assert!(
        PAGE.lines().any(|line| line.starts_with(row)),
        "docs/formats/protocol.md has no row {row}"
    );
}

#[test]
fn the_page_has_every_message() {
    for kind in OpKind::ALL {
        let (number, name, need) = (*kind as u16, kind.name(), kind.need());
        let shape = match kind.class() {
            Class::Change => String::new(),
            _ => format!(" {:?} |", kind.shape()),
        };
        has(&format!("| {number} | {name} | {need:?} |{shape}"));
    }
    for kind in FrameKind::ALL {
        has(&format!("| {} | {kind:?} |", kind as u8));
    }
    for (number, name) in Push::NUMBERS.iter().chain(Notice::NUMBERS) {
        has(&format!("| {number} | {name} |"));
    }
    for code in Code::ALL {
        has(&format!(
            "| {} | {} | {} |",
            *code as u16,
            code.name(),
            code.errno()
        ));
    }
}

#[test]
fn a_rehearsal_needs_what_its_command_needs() {
    let rehearse = |command| Op::Ask(Ask::Rehearse { command }).need();
    let name = b"fork".to_vec();
    assert_eq!(rehearse(Command::RootDelete { name }), Ok(Need::Admin));
    let session = crate::samples::SESSION;
    assert_eq!(rehearse(Command::SessionRenew { session }), Ok(Need::Read));
    for op in crate::samples::ops(&mut crate::draw::Draw::Ascending(0)) {
        let rehearsed = matches!(op, Op::Ask(Ask::Rehearse { .. }));
        assert_eq!(op.need() == Ok(op.kind().unwrap().need()), !rehearsed, "{op:?}");
    }
    let work = Command::Work(nokv_types::Work::AdvanceTime);
    assert!(rehearse(work).is_err());
}

#[test]
fn a_later_need_implies_those_before_it() {
    for mode in Mode::ALL {
        let granted = Need::ALL.map(|need| mode.grants(need));
        assert!(granted.is_sorted_by(|before, after| before >= after), "{mode:?}");
    }
}
