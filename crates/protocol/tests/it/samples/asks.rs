//! Every question.

use super::SESSION;
use crate::draw::Draw;
use nokv_protocol::{Ask, Credential, LockKind, LockRequest, LockSpace, PutIntent};
use nokv_types::{At, Command, EventKind, EventQuery, GcOptions};

pub(crate) fn asks(draw: &mut Draw) -> Vec<Ask> {
    let mut all = tree(draw);
    all.extend(workspace(draw));
    all.extend(session(draw));
    all.extend(admin(draw));
    all
}

fn tree(draw: &mut Draw) -> Vec<Ask> {
    draw.restart();
    let (point, ino) = (draw.point(), draw.ino());
    vec![
        Ask::Lookup {
            point,
            dir: ino,
            name: draw.name(),
        },
        Ask::Resolve {
            point,
            from: ino,
            path: draw.path(),
        },
        Ask::Walk {
            point,
            from: ino,
            path: draw.path().join(draw.name()),
        },
        Ask::GetAttr { point, ino },
        Ask::ReadDir {
            point,
            dir: ino,
            after: draw.maybe(Draw::name),
            limit: draw.u32(),
            attrs: draw.flag(),
        },
        Ask::ReadLink { point, ino },
        Ask::XattrGet {
            point,
            ino,
            name: draw.xattr(),
        },
        Ask::XattrList { point, ino },
        Ask::ReadPlan {
            point,
            ino,
            offset: draw.num(),
            len: draw.num(),
            urls: draw.flag(),
        },
        Ask::OpenedAttr { handle: draw.num() },
        Ask::OpenedPlan {
            handle: draw.num(),
            offset: draw.num(),
            len: draw.num(),
            urls: draw.flag(),
        },
        Ask::PathOf { point, ino },
    ]
}

fn query(draw: &mut Draw) -> EventQuery {
    EventQuery {
        cursor: draw.maybe(Draw::version),
        subtree: draw.maybe(Draw::node),
        kinds: draw.list(|draw| EventKind::ALL[draw.below(11) as usize]),
        limit: draw.u32() as usize,
    }
}

fn workspace(draw: &mut Draw) -> Vec<Ask> {
    draw.restart();
    let ats = [
        At::Head,
        At::Snapshot(draw.bytes()),
        At::Version(draw.version()),
        At::Time(draw.time()),
    ];
    let mut all: Vec<Ask> = ats
        .into_iter()
        .map(|at| Ask::ResolveAt {
            root: draw.bytes(),
            at,
        })
        .collect();
    all.extend([
        Ask::NewestVersion {},
        Ask::Root { name: draw.bytes() },
        Ask::Roots {
            after: draw.maybe(Draw::bytes),
            limit: draw.u32(),
        },
        Ask::Pins {
            after: draw.maybe(Draw::bytes),
            limit: draw.u32(),
        },
        Ask::Quota { node: draw.node() },
        Ask::StatFs {},
        Ask::Events { query: query(draw) },
        Ask::Diff {
            a: draw.view(),
            b: draw.view(),
            after: draw.maybe(Draw::bytes),
            limit: draw.u32(),
        },
        Ask::Rehearse {
            command: Command::Unlink {
                parent: draw.node(),
                name: draw.name(),
            },
        },
    ]);
    all
}

fn lock(draw: &mut Draw, kind: LockKind, space: LockSpace) -> LockRequest {
    LockRequest {
        node: draw.node(),
        kind,
        space,
        owner: draw.num(),
        pid: draw.u32(),
        from: draw.num(),
        to: draw.num(),
        wait: draw.flag(),
        reclaim: draw.flag(),
    }
}

fn session(draw: &mut Draw) -> Vec<Ask> {
    draw.restart();
    vec![
        Ask::RenewLeases {},
        Ask::ReleaseLeases {
            objects: draw.list(Draw::lease),
        },
        Ask::Authenticate {
            credential: Credential::Bearer(draw.secret()),
        },
        Ask::LockSet {
            request: lock(draw, LockKind::Shared, LockSpace::Flock),
        },
        Ask::LockSet {
            request: lock(draw, LockKind::Unlock, LockSpace::Posix),
        },
        Ask::LockTest {
            request: lock(draw, LockKind::Exclusive, LockSpace::Posix),
        },
        Ask::Watch {
            query: query(draw),
            credit: draw.u32(),
        },
        Ask::Unwatch { watch: draw.num() },
        Ask::SignPut {
            objects: draw.list(|draw| PutIntent {
                object: draw.object(),
                len: draw.num(),
                crc32c: draw.u32(),
            }),
        },
        Ask::SignGet {
            objects: draw.list(Draw::object),
        },
    ]
}

fn admin(draw: &mut Draw) -> Vec<Ask> {
    draw.restart();
    vec![
        Ask::Ready {},
        Ask::Stats {},
        Ask::Gc {
            options: GcOptions {
                dry_run: draw.flag(),
                ignore_grace: draw.flag(),
            },
        },
        Ask::GcExplain {
            object: draw.object(),
        },
        Ask::Fsck { repair: draw.flag() },
        Ask::Df {},
        Ask::Checkpoint {},
        Ask::Drain {
            within_ms: draw.u32(),
        },
        Ask::Sessions {
            after: draw.maybe(|_| SESSION),
            limit: draw.u32(),
        },
        Ask::SessionEnd { session: SESSION },
    ]
}
