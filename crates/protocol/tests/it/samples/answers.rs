//! Answers of every shape.

mod admin;

use super::SESSION;
use crate::draw::Draw;
use nokv_protocol::{
    Cause, ClientKind, Done, Granted, Granting, LockHolder, LockKind, Mode, OpKind, PinPage, Planned,
    Readiness, Renewed, RootPage, SessionInfo, SessionPage, SignedRequest, Stat, Walked, Watching,
};
use nokv_types::{
    Code, DiffEntry, DiffKind, DiffPage, DirEntry, DirPage, Event, EventKind, EventPage, Found, LoggedEvent,
    Outcome, PinInfo, QuotaId, QuotaUsage, ReadPlan, Refusal, Reply, ReservationId, RootInfo, RootKind,
    StatFs, UploadId,
};

pub(crate) fn dones(draw: &mut Draw) -> Vec<(OpKind, Done)> {
    let mut all = changed(draw);
    all.extend(tree(draw));
    all.extend(workspace(draw));
    all.extend(session(draw));
    all.extend(admin::dones(draw));
    all
}

fn root(draw: &mut Draw) -> RootInfo {
    let kinds = [RootKind::Fork, RootKind::Volume, RootKind::Workspace];
    RootInfo {
        name: draw.bytes(),
        kind: kinds[draw.below(3) as usize],
        node: draw.node(),
        parent: draw.maybe(Draw::point),
        since: draw.version(),
    }
}

fn pin(draw: &mut Draw) -> PinInfo {
    PinInfo {
        key: draw.bytes(),
        at: draw.point(),
        node: draw.node(),
        holders: draw.list(Draw::bytes),
        // The largest moment is the one that is not written.
        expires_ns: draw.maybe(|draw| draw.num() >> 1),
        created_wall_ns: draw.time(),
    }
}

fn found(draw: &mut Draw) -> Found {
    Found {
        node: draw.node(),
        attr: draw.attr(),
    }
}

fn changed(draw: &mut Draw) -> Vec<(OpKind, Done)> {
    draw.restart();
    let outcomes = [
        (OpKind::Rmdir, Outcome::Done),
        (OpKind::Create, Outcome::Inode(draw.node(), draw.attr())),
        (OpKind::Unlink, Outcome::Removed(draw.node())),
        (OpKind::SnapshotCreate, Outcome::Pin(pin(draw))),
        (OpKind::Fork, Outcome::Root(root(draw))),
        (OpKind::BeginUpload, Outcome::Upload(UploadId(draw.num()))),
        (
            OpKind::ReserveObjects,
            Outcome::Reserved(ReservationId(draw.num())),
        ),
        (OpKind::SessionRenew, Outcome::Session(SESSION)),
        (
            OpKind::Open,
            Outcome::Opened {
                handle: draw.num(),
                node: draw.node(),
                attr: draw.attr(),
            },
        ),
    ];
    outcomes
        .into_iter()
        .map(|(kind, outcome)| {
            let version = draw.version();
            (kind, Done::Changed(Reply { version, outcome }))
        })
        .collect()
}

fn signed(draw: &mut Draw) -> SignedRequest {
    SignedRequest {
        object: draw.object(),
        url: draw.text(),
        headers: draw.list(|draw| (draw.text(), draw.text())),
        valid_ms: draw.u32(),
    }
}

fn planned(draw: &mut Draw) -> Planned {
    Planned {
        plan: ReadPlan {
            size: draw.num(),
            extents: draw.extents(),
        },
        urls: draw.list(signed),
    }
}

fn tree(draw: &mut Draw) -> Vec<(OpKind, Done)> {
    draw.restart();
    let refusal = Refusal::new(Code::NotADirectory, draw.text()).detail(draw.text());
    let entry = |draw: &mut Draw| DirEntry {
        name: draw.name(),
        node: draw.node(),
        kind: draw.kind(),
        attr: draw.maybe(Draw::attr),
    };
    vec![
        (OpKind::Lookup, Done::Found(found(draw))),
        (
            OpKind::Walk,
            Done::Walked(Walked {
                found: draw.list(found),
                stopped: None,
            }),
        ),
        (
            OpKind::Walk,
            Done::Walked(Walked {
                found: Vec::new(),
                stopped: Some(refusal),
            }),
        ),
        (OpKind::GetAttr, Done::Attr(draw.attr())),
        (
            OpKind::ReadDir,
            Done::Dir(DirPage {
                entries: draw.list(entry),
                more: draw.flag(),
            }),
        ),
        (OpKind::ReadLink, Done::Bytes(draw.bytes())),
        (OpKind::XattrList, Done::Names(draw.list(Draw::xattr))),
        (OpKind::ReadPlan, Done::Planned(planned(draw))),
        (OpKind::PathOf, Done::Path(draw.path())),
    ]
}

fn event(draw: &mut Draw) -> LoggedEvent {
    LoggedEvent {
        event: Event {
            version: draw.version(),
            kind: EventKind::ALL[draw.below(11) as usize],
            timeline: draw.node().timeline,
            ino: draw.ino(),
            parent: draw.ino(),
            name: draw.bytes(),
            from: draw.maybe(|draw| (draw.ino(), draw.name())),
            generation: draw.version(),
            actor: draw.bytes(),
        },
        wall_ns: draw.time(),
        path: draw.maybe(Draw::bytes),
        old_path: draw.maybe(Draw::bytes),
    }
}

pub(crate) fn event_page(draw: &mut Draw) -> EventPage {
    EventPage {
        events: draw.list(event),
        next: draw.version(),
        more: draw.flag(),
    }
}

fn workspace(draw: &mut Draw) -> Vec<(OpKind, Done)> {
    draw.restart();
    let kinds = [
        DiffKind::Added,
        DiffKind::Removed,
        DiffKind::Body,
        DiffKind::Attributes,
        DiffKind::Renamed,
    ];
    let diff = |draw: &mut Draw| DiffEntry {
        kind: kinds[draw.below(5) as usize],
        path: draw.bytes(),
        old_path: draw.maybe(Draw::bytes),
        node: draw.node(),
        file_kind: draw.kind(),
    };
    vec![
        (OpKind::NewestVersion, Done::Version(draw.version())),
        (OpKind::Root, Done::Root(root(draw))),
        (
            OpKind::Roots,
            Done::Roots(RootPage {
                roots: draw.list(root),
                more: draw.flag(),
            }),
        ),
        (OpKind::ResolveAt, Done::View(draw.view())),
        (
            OpKind::Pins,
            Done::Pins(PinPage {
                pins: draw.list(pin),
                more: draw.flag(),
            }),
        ),
        (
            OpKind::Quota,
            Done::Quota(QuotaUsage {
                quota: QuotaId(draw.num()),
                limits: draw.limits(),
                bytes: draw.num(),
                inodes: draw.num(),
                counting: draw.flag(),
            }),
        ),
        (
            OpKind::StatFs,
            Done::StatFs(StatFs {
                bytes: draw.num(),
                inodes: draw.num(),
                limits: draw.limits(),
            }),
        ),
        (OpKind::Events, Done::Events(event_page(draw))),
        (
            OpKind::Diff,
            Done::Diff(DiffPage {
                entries: draw.list(diff),
                next: draw.maybe(Draw::bytes),
            }),
        ),
    ]
}

pub(crate) fn granted(draw: &mut Draw) -> Granted {
    Granted {
        subject: draw.text(),
        mode: Mode::ALL[draw.below(5) as usize],
        subtree: draw.maybe(|draw| Granting {
            node: draw.node(),
            path: draw.bytes(),
        }),
        expires_ms: draw.maybe(Draw::num),
    }
}

fn session(draw: &mut Draw) -> Vec<(OpKind, Done)> {
    draw.restart();
    vec![
        (OpKind::ReleaseLeases, Done::Done(())),
        (
            OpKind::RenewLeases,
            Done::Renewed(Renewed {
                epoch: draw.num(),
                lease_ms: draw.u32(),
            }),
        ),
        (OpKind::Authenticate, Done::Granted(granted(draw))),
        (
            OpKind::LockTest,
            Done::Lock(draw.maybe(|draw| LockHolder {
                kind: LockKind::Exclusive,
                session: SESSION,
                pid: draw.u32(),
                from: draw.num(),
                to: draw.num(),
            })),
        ),
        (
            OpKind::Watch,
            Done::Watching(Watching {
                watch: draw.num(),
                from: draw.version(),
            }),
        ),
        (OpKind::SignPut, Done::Signed(draw.list(signed))),
    ]
}

pub(crate) fn readiness(draw: &mut Draw) -> Readiness {
    Readiness {
        ready: draw.flag(),
        causes: draw.list(|draw| Cause {
            name: draw.text(),
            detail: draw.text(),
        }),
    }
}

pub(crate) fn stat(draw: &mut Draw) -> Stat {
    Stat {
        name: draw.text(),
        value: draw.num(),
    }
}

pub(crate) fn sessions(draw: &mut Draw) -> SessionPage {
    SessionPage {
        sessions: draw.list(|draw| SessionInfo {
            session: SESSION,
            client: ClientKind::Mount,
            subject: draw.text(),
            node: draw.text(),
            connections: draw.u32(),
            opens: draw.num(),
            leases: draw.num(),
            locks: draw.num(),
            expires_ms: draw.num(),
        }),
        more: draw.flag(),
    }
}
