//! Attributes, plain and extended.

use crate::world::{HEAD, ROOT, World, name};
use nokv_types::{Answer, AttrChange, Code, Command, NewKind, Node, Request, XattrMode, XattrName};

fn set(world: &mut World, node: Node, change: AttrChange) -> Answer {
    world.run(Command::SetAttr { node, change })
}

fn xattr(node: Node, text: &str, value: &[u8], mode: XattrMode) -> Command {
    Command::SetXattr {
        node,
        name: XattrName::new(text.as_bytes()).unwrap(),
        value: value.to_vec(),
        mode,
    }
}

#[test]
fn each_attribute_changes_alone_and_moves_ctime() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    let file = world.create(dir, "file", NewKind::File);
    let linked = world.create(dir, "linked", NewKind::File);
    world
        .run(Command::Link {
            node: linked,
            parent: dir,
            name: name("second"),
        })
        .unwrap();
    for node in [dir, file, linked, ROOT] {
        let changes = [
            AttrChange {
                mode: Some(0o4755),
                ..AttrChange::default()
            },
            AttrChange {
                uid: Some(5),
                ..AttrChange::default()
            },
            AttrChange {
                gid: Some(6),
                ..AttrChange::default()
            },
            AttrChange {
                atime: Some(-1),
                ..AttrChange::default()
            },
            AttrChange {
                mtime: Some(i64::MAX),
                ..AttrChange::default()
            },
        ];
        for change in changes {
            let mut want = world.attr(node);
            set(&mut world, node, change).unwrap();
            let got = world.attr(node);
            assert!(got.ctime > want.ctime);
            want.ctime = got.ctime;
            want.mode = change.mode.unwrap_or(want.mode);
            want.uid = change.uid.unwrap_or(want.uid);
            want.gid = change.gid.unwrap_or(want.gid);
            want.atime = change.atime.unwrap_or(want.atime);
            want.mtime = change.mtime.unwrap_or(want.mtime);
            assert_eq!(got, want, "{node:?} {change:?}");
        }
    }
}

#[test]
fn attributes_of_what_is_gone_are_not_changed() {
    let mut world = World::new();
    let file = world.create(ROOT, "file", NewKind::File);
    world
        .run(Command::Unlink {
            parent: ROOT,
            name: name("file"),
        })
        .unwrap();
    let change = AttrChange {
        uid: Some(1),
        ..AttrChange::default()
    };
    assert_eq!(set(&mut world, file, change).unwrap_err().code, Code::NotFound);
    let answer = world.run(xattr(file, "user.a", b"1", XattrMode::Any));
    assert_eq!(answer.unwrap_err().code, Code::NotFound);
}

#[test]
fn extended_attributes_are_set_as_asked() {
    let mut world = World::new();
    let file = world.create(ROOT, "file", NewKind::File);
    let cases = [
        (XattrMode::Replace, b"0", Err(Code::NoAttribute)),
        (XattrMode::Create, b"1", Ok(())),
        (XattrMode::Create, b"2", Err(Code::Exists)),
        (XattrMode::Replace, b"3", Ok(())),
        (XattrMode::Any, b"4", Ok(())),
    ];
    for (mode, value, want) in cases {
        let answer = world.run(xattr(file, "user.a", value, mode));
        assert_eq!(answer.map(drop).map_err(|refusal| refusal.code), want, "{mode:?}");
    }
    let user = XattrName::new(b"user.a").unwrap();
    assert_eq!(
        world
            .reader(|reader| reader.xattr(HEAD, file.ino, &user))
            .unwrap(),
        b"4"
    );
    world
        .run(Command::RemoveXattr {
            node: file,
            name: user.clone(),
        })
        .unwrap();
    let again = world.run(Command::RemoveXattr {
        node: file,
        name: user,
    });
    assert_eq!(again.unwrap_err().code, Code::NoAttribute);
    assert!(
        world
            .reader(|reader| reader.xattrs(HEAD, file.ino))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn extended_attributes_are_bounded_in_size_and_number() {
    let mut world = World::new();
    let file = world.create(ROOT, "file", NewKind::File);
    let large = world.run(xattr(file, "user.a", &vec![0; 32 * 1024 + 1], XattrMode::Any));
    assert_eq!(large.unwrap_err().code, Code::TooLarge);
    world
        .run(xattr(file, "user.a", &vec![7; 32 * 1024], XattrMode::Any))
        .unwrap();
    // A million are asked for; the limit answers, and what is there can still be changed.
    let ask = |n: usize| Request::internal(xattr(file, &format!("user.n{n}"), b"", XattrMode::Any));
    let answers = world.batch((0..1100).map(ask).collect());
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(taken, 1023);
    let refused = answers.into_iter().find_map(Result::err).unwrap();
    assert_eq!((refused.code, refused.code.errno()), (Code::TooMany, 28));
    world
        .run(xattr(file, "user.a", b"small", XattrMode::Any))
        .unwrap();
    world
        .run(Command::Unlink {
            parent: ROOT,
            name: name("file"),
        })
        .unwrap();
    assert!(nokv_meta::fsck(&world.store).unwrap().is_clean());
}
