//! Every command that travels.

use super::SESSION;
use crate::draw::Draw;
use nokv_types::{Command, FileKind, NewBody, NewKind, Origin, RenameMode, Target, UploadId, XattrMode};

pub(crate) fn commands(draw: &mut Draw) -> Vec<Command> {
    let mut all = entries(draw);
    all.extend(attributes(draw));
    all.extend(bodies(draw));
    all.extend(states(draw));
    all.extend(sessions(draw));
    all
}

fn entries(draw: &mut Draw) -> Vec<Command> {
    draw.restart();
    let kinds = [
        NewKind::File,
        NewKind::Directory,
        NewKind::Symlink(draw.bytes()),
        NewKind::Special(FileKind::BlockDevice, draw.num()),
    ];
    let mut all: Vec<Command> = kinds
        .into_iter()
        .map(|kind| Command::Create {
            parent: draw.node(),
            name: draw.name(),
            inode: draw.inode(),
            kind,
        })
        .collect();
    all.push(Command::Link {
        node: draw.node(),
        parent: draw.node(),
        name: draw.name(),
    });
    let (parent, name) = (draw.node(), draw.name());
    all.push(Command::Unlink {
        parent,
        name: name.clone(),
    });
    all.push(Command::Rmdir {
        parent,
        name: name.clone(),
    });
    all.push(Command::RemoveTree { parent, name });
    for mode in [RenameMode::Replace, RenameMode::NoReplace, RenameMode::Exchange] {
        all.push(Command::Rename {
            from: draw.node(),
            from_name: draw.name(),
            to: draw.node(),
            to_name: draw.name(),
            mode,
        });
    }
    all
}

fn attributes(draw: &mut Draw) -> Vec<Command> {
    draw.restart();
    let mut all = vec![
        Command::SetAttr {
            node: draw.node(),
            change: draw.change(),
        },
        Command::SetAttr {
            node: draw.node(),
            change: nokv_types::AttrChange::default(),
        },
        Command::RemoveXattr {
            node: draw.node(),
            name: draw.xattr(),
        },
    ];
    for mode in [XattrMode::Any, XattrMode::Create, XattrMode::Replace] {
        all.push(Command::SetXattr {
            node: draw.node(),
            name: draw.xattr(),
            value: draw.bytes(),
            mode,
        });
    }
    all
}

fn bodies(draw: &mut Draw) -> Vec<Command> {
    draw.restart();
    let whole = NewBody::Whole {
        size: draw.num(),
        extents: draw.extents(),
    };
    let staged = NewBody::Staged {
        size: draw.num(),
        upload: UploadId(draw.num()),
    };
    let clone = NewBody::Clone {
        from: draw.node(),
        version: draw.version(),
    };
    let named = Target::Name {
        parent: draw.node(),
        name: draw.name(),
        inode: draw.inode(),
        create_only: draw.flag(),
    };
    let node = draw.node();
    let mut all: Vec<Command> = [
        (named.clone(), whole),
        (Target::Node(node), staged),
        (named, clone),
    ]
    .into_iter()
    .map(|(target, body)| Command::Publish {
        target,
        body,
        expect: draw.maybe(Draw::version),
        xattrs: draw.list(|draw| (draw.xattr(), draw.bytes())),
    })
    .collect();
    all.extend([
        Command::Write {
            node,
            expect: draw.maybe(Draw::version),
            extents: draw.extents(),
        },
        Command::Append {
            node,
            extents: draw.extents(),
        },
        Command::SetSize {
            node,
            size: draw.num(),
        },
        Command::PunchHole {
            node,
            from: draw.num(),
            len: draw.num(),
        },
        Command::Compact {
            node,
            range: draw.num(),
            expect: draw.version(),
            extents: draw.extents(),
        },
        Command::BeginUpload { session: SESSION },
        Command::Stage {
            upload: UploadId(draw.num()),
            range: draw.num(),
            extents: draw.extents(),
        },
        Command::AbandonUpload {
            upload: UploadId(draw.num()),
        },
        Command::ReserveObjects { seed: draw.array() },
    ]);
    all
}

fn states(draw: &mut Draw) -> Vec<Command> {
    draw.restart();
    let snapshot = Origin::Snapshot(draw.bytes());
    let root = Origin::Root {
        name: draw.bytes(),
        version: draw.version(),
    };
    vec![
        Command::SnapshotCreate {
            key: draw.bytes(),
            node: draw.node(),
            holder: draw.bytes(),
            lease_ns: draw.maybe(Draw::num),
        },
        Command::SnapshotRelease {
            key: draw.bytes(),
            holder: draw.bytes(),
        },
        Command::VolumeCreate {
            name: draw.bytes(),
            inode: draw.inode(),
        },
        Command::Fork {
            name: draw.bytes(),
            origin: snapshot,
        },
        Command::RootDelete { name: draw.bytes() },
        Command::Rollback {
            name: draw.bytes(),
            origin: root,
            keep: draw.bytes(),
        },
        Command::Promote {
            fork: draw.bytes(),
            onto: draw.bytes(),
            discard_live: draw.flag(),
            keep: draw.bytes(),
        },
        Command::SetQuota {
            node: draw.node(),
            limits: draw.limits(),
        },
    ]
}

fn sessions(draw: &mut Draw) -> Vec<Command> {
    draw.restart();
    vec![
        Command::SessionRenew { session: SESSION },
        Command::SessionClose { session: SESSION },
        Command::Open {
            session: SESSION,
            node: draw.node(),
        },
        Command::Close {
            session: SESSION,
            handle: draw.num(),
        },
    ]
}
