//! What POSIX says about making, linking, removing and moving entries, case by case.

use crate::world::{HEAD, OWNER, ROOT, World, name};
use nokv_types::{
    Answer, Code, Command, FileKind, NAME_BYTES_MAX, Name, NewInode, NewKind, Node, Outcome, PATH_BYTES_MAX,
    RenameMode,
};

fn create_as(world: &mut World, parent: Node, text: &str, inode: NewInode, kind: NewKind) -> Answer {
    let name = name(text);
    world.run(Command::Create {
        parent,
        name,
        inode,
        kind,
    })
}

fn rename(world: &mut World, from: (Node, &str), to: (Node, &str), mode: RenameMode) -> Answer {
    world.run(Command::Rename {
        from: from.0,
        from_name: name(from.1),
        to: to.0,
        to_name: name(to.1),
        mode,
    })
}

fn link(world: &mut World, node: Node, parent: Node, text: &str) -> Answer {
    let name = name(text);
    world.run(Command::Link { node, parent, name })
}

fn code(answer: Answer) -> Code {
    answer.unwrap_err().code
}

fn exists(world: &World, node: Node) -> bool {
    world.reader(|reader| reader.getattr(HEAD, node.ino)).is_ok()
}

#[test]
fn what_is_made_in_a_setgid_directory_takes_its_group() {
    let mut world = World::new();
    let setgid = NewInode {
        mode: 0o2775,
        uid: 1,
        gid: 77,
    };
    create_as(&mut world, ROOT, "dir", setgid, NewKind::Directory).unwrap();
    let dir = world
        .reader(|reader| reader.lookup(HEAD, ROOT.ino, &name("dir")))
        .unwrap()
        .node;
    let cases = [
        ("file", NewKind::File, 0o644, 77),
        ("sub", NewKind::Directory, 0o2644, 77),
        ("link", NewKind::Symlink(b"x".to_vec()), 0o644, 77),
        ("fifo", NewKind::Special(FileKind::Fifo, 0), 0o644, 77),
    ];
    for (text, kind, mode, gid) in cases {
        let node = world.create(dir, text, kind);
        let attr = world.attr(node);
        assert_eq!((attr.mode, attr.gid, attr.uid), (mode, gid, OWNER.uid), "{text}");
    }
    let beside = world.create(ROOT, "beside", NewKind::Directory);
    assert_eq!(
        (world.attr(beside).mode, world.attr(beside).gid),
        (0o644, OWNER.gid)
    );
}

#[test]
fn mode_bits_beyond_permissions_are_not_kept() {
    let mut world = World::new();
    let odd = NewInode {
        mode: 0o177_7777,
        uid: 0,
        gid: 0,
    };
    let made = create_as(&mut world, ROOT, "file", odd, NewKind::File).unwrap();
    let Outcome::Inode(node, attr) = made.outcome else {
        panic!("{made:?}")
    };
    assert_eq!(attr.mode, 0o7777);
    assert_eq!(world.attr(node).mode, 0o7777);
}

#[test]
fn names_of_all_bytes_and_of_255_bytes_are_kept_as_they_are() {
    let mut world = World::new();
    let bytes: Vec<u8> = (1..=255).filter(|byte| *byte != b'/').collect();
    let mut made = Vec::new();
    for byte in &bytes {
        for name in [vec![*byte, b'x'], vec![b'x', *byte], vec![*byte; NAME_BYTES_MAX]] {
            if name.starts_with(b"xx") && made.contains(&name) {
                continue;
            }
            let parent = ROOT;
            let name = Name::new(&name).unwrap();
            let answer = world.run(Command::Create {
                parent,
                name: name.clone(),
                inode: OWNER,
                kind: NewKind::File,
            });
            if answer.is_ok() {
                made.push(name.as_bytes().to_vec());
            } else {
                assert!(made.contains(&name.as_bytes().to_vec()));
            }
        }
    }
    made.sort();
    assert_eq!(made.len(), 3 * 254 - 1, "one name comes twice");
    let page = world
        .reader(|reader| reader.readdir(HEAD, ROOT.ino, None, 10_000, false))
        .unwrap();
    let listed: Vec<Vec<u8>> = page
        .entries
        .iter()
        .map(|entry| entry.name.as_bytes().to_vec())
        .collect();
    assert_eq!(listed, made, "in the order of their bytes");
    for name in &made {
        let name = Name::new(name).unwrap();
        world.run(Command::Unlink { parent: ROOT, name }).unwrap();
    }
    assert_eq!(world.attr(ROOT).entries, 0);
}

#[test]
fn symlinks_keep_targets_of_1_to_4096_bytes() {
    let mut world = World::new();
    let refused = [
        (vec![], Code::Invalid),
        (b"a\0b".to_vec(), Code::Invalid),
        (vec![b'a'; PATH_BYTES_MAX + 1], Code::PathTooLong),
    ];
    for (target, want) in refused {
        assert_eq!(
            code(create_as(
                &mut world,
                ROOT,
                "link",
                OWNER,
                NewKind::Symlink(target)
            )),
            want
        );
    }
    for target in [b"x".to_vec(), vec![b'a'; PATH_BYTES_MAX], vec![0xff; 9]] {
        let node = world.create(ROOT, "link", NewKind::Symlink(target.clone()));
        assert_eq!(world.attr(node).size, target.len() as u64);
        assert_eq!(
            world.reader(|reader| reader.readlink(HEAD, node.ino)).unwrap(),
            target
        );
        world
            .run(Command::Unlink {
                parent: ROOT,
                name: name("link"),
            })
            .unwrap();
    }
}

#[test]
fn special_files_keep_their_device_and_only_devices_have_one() {
    let mut world = World::new();
    let cases = [
        (FileKind::CharDevice, 7),
        (FileKind::BlockDevice, 7),
        (FileKind::Fifo, 0),
        (FileKind::Socket, 0),
    ];
    for (kind, rdev) in cases {
        let node = world.create(ROOT, &format!("{kind:?}"), NewKind::Special(kind, 7));
        assert_eq!((world.attr(node).kind, world.attr(node).rdev), (kind, rdev));
    }
    for kind in [FileKind::File, FileKind::Directory, FileKind::Symlink] {
        let answer = create_as(&mut world, ROOT, "none", OWNER, NewKind::Special(kind, 0));
        assert_eq!(code(answer), Code::Invalid);
    }
}

#[test]
fn entries_are_made_only_in_directories_that_are_there() {
    let mut world = World::new();
    let file = world.create(ROOT, "file", NewKind::File);
    let gone = world.create(ROOT, "gone", NewKind::Directory);
    world
        .run(Command::Rmdir {
            parent: ROOT,
            name: name("gone"),
        })
        .unwrap();
    let tree = world.create(ROOT, "tree", NewKind::Directory);
    world
        .run(Command::RemoveTree {
            parent: ROOT,
            name: name("tree"),
        })
        .unwrap();
    for (parent, want) in [
        (file, Code::NotADirectory),
        (gone, Code::NotFound),
        (tree, Code::NotFound),
    ] {
        assert_eq!(
            code(create_as(&mut world, parent, "x", OWNER, NewKind::File)),
            want
        );
        assert_eq!(code(link(&mut world, file, parent, "x")), want);
        assert_eq!(
            code(rename(
                &mut world,
                (ROOT, "file"),
                (parent, "x"),
                RenameMode::Replace
            )),
            want
        );
    }
}

#[test]
fn links_are_refused_where_posix_refuses_them() {
    let mut world = World::new();
    let dir = world.create(ROOT, "dir", NewKind::Directory);
    let file = world.create(ROOT, "file", NewKind::File);
    assert_eq!(code(link(&mut world, dir, ROOT, "dir2")), Code::NotPermitted);
    assert_eq!(code(link(&mut world, file, ROOT, "dir")), Code::Exists);
    assert_eq!(code(link(&mut world, file, ROOT, "file")), Code::Exists);
    link(&mut world, file, dir, "file").unwrap();
    let symlink = world.create(ROOT, "sym", NewKind::Symlink(b"t".to_vec()));
    link(&mut world, symlink, dir, "sym").unwrap();
    assert_eq!((world.attr(file).nlink, world.attr(symlink).nlink), (2, 2));
    assert_eq!(
        world.reader(|reader| reader.readlink(HEAD, symlink.ino)).unwrap(),
        b"t"
    );
}

#[test]
fn unlink_and_rmdir_take_only_their_kind() {
    let mut world = World::new();
    world.create(ROOT, "dir", NewKind::Directory);
    world.create(ROOT, "file", NewKind::File);
    let unlink = |text: &str| Command::Unlink {
        parent: ROOT,
        name: name(text),
    };
    let rmdir = |text: &str| Command::Rmdir {
        parent: ROOT,
        name: name(text),
    };
    assert_eq!(code(world.run(unlink("dir"))), Code::IsADirectory);
    assert_eq!(code(world.run(rmdir("file"))), Code::NotADirectory);
    assert_eq!(code(world.run(unlink("none"))), Code::NotFound);
    assert_eq!(code(world.run(rmdir("none"))), Code::NotFound);
    world.run(unlink("file")).unwrap();
    world.run(rmdir("dir")).unwrap();
}

#[test]
fn rename_between_two_names_of_one_file_does_nothing() {
    let mut world = World::new();
    let file = world.create(ROOT, "one", NewKind::File);
    link(&mut world, file, ROOT, "two").unwrap();
    rename(&mut world, (ROOT, "one"), (ROOT, "two"), RenameMode::Replace).unwrap();
    assert_eq!(
        (world.names(ROOT), world.attr(file).nlink),
        (vec!["one".into(), "two".into()], 2)
    );
    rename(&mut world, (ROOT, "one"), (ROOT, "one"), RenameMode::Replace).unwrap();
    let taken = rename(&mut world, (ROOT, "one"), (ROOT, "two"), RenameMode::NoReplace);
    assert_eq!(code(taken), Code::Exists);
}

#[test]
fn rename_replaces_only_what_fits() {
    let cases = [
        ("file", "other", Ok(())),
        ("file", "empty", Err(Code::IsADirectory)),
        ("dir", "file", Err(Code::NotADirectory)),
        ("dir", "empty", Ok(())),
        ("empty", "dir", Err(Code::NotEmpty)),
        ("none", "file", Err(Code::NotFound)),
        ("file", "free", Ok(())),
        ("hard", "other", Ok(())),
        ("other", "hard", Ok(())),
    ];
    for (from, to, want) in cases {
        let mut world = World::new();
        let dir = world.create(ROOT, "dir", NewKind::Directory);
        world.create(dir, "in", NewKind::File);
        world.create(ROOT, "empty", NewKind::Directory);
        world.create(ROOT, "file", NewKind::File);
        world.create(ROOT, "other", NewKind::File);
        let hard = world.create(ROOT, "hard", NewKind::File);
        link(&mut world, hard, dir, "hard").unwrap();
        let before = world.store.to_rows();
        let answer = rename(&mut world, (ROOT, from), (ROOT, to), RenameMode::Replace);
        assert_eq!(
            answer.map(drop).map_err(|refusal| refusal.code),
            want,
            "{from} over {to}"
        );
        if want.is_err() {
            assert_eq!(world.store.to_rows(), before, "{from} over {to}");
        }
        let attr = world.attr(ROOT);
        let names = world.names(ROOT);
        assert_eq!(attr.entries, names.len() as u64, "{from} over {to}");
        let dirs = names
            .iter()
            .filter(|text| ["dir", "empty"].contains(&text.as_str()))
            .count();
        assert_eq!(attr.nlink as usize, 2 + dirs, "{from} over {to}");
        assert!(exists(&world, hard), "it has another name");
        assert!(nokv_meta::fsck(&world.store).unwrap().is_clean());
    }
}

#[test]
fn exchange_swaps_a_file_and_a_directory_but_not_with_an_ancestor() {
    let mut world = World::new();
    let a = world.create(ROOT, "a", NewKind::Directory);
    let deep = world.create(a, "deep", NewKind::Directory);
    let b = world.create(ROOT, "b", NewKind::Directory);
    let file = world.create(b, "file", NewKind::File);
    rename(&mut world, (a, "deep"), (b, "file"), RenameMode::Exchange).unwrap();
    let path = |world: &World, node: Node| {
        world
            .reader(|reader| reader.path_of(HEAD, node.ino))
            .unwrap()
            .to_string()
    };
    assert_eq!(
        (path(&world, deep), path(&world, file)),
        ("/b/file".into(), "/a/deep".into())
    );
    assert_eq!((world.attr(a).nlink, world.attr(b).nlink), (2, 3));
    let inside = rename(&mut world, (ROOT, "b"), (b, "file"), RenameMode::Exchange);
    assert_eq!(code(inside), Code::Loop);
    let outside = rename(&mut world, (b, "file"), (ROOT, "b"), RenameMode::Exchange);
    assert_eq!(code(outside), Code::Loop);
    let missing = rename(&mut world, (ROOT, "a"), (ROOT, "none"), RenameMode::Exchange);
    assert_eq!(code(missing), Code::NotFound);
    let hard = world.create(ROOT, "hard", NewKind::File);
    link(&mut world, hard, a, "hard").unwrap();
    rename(&mut world, (ROOT, "hard"), (a, "hard"), RenameMode::Exchange).unwrap();
    rename(&mut world, (ROOT, "hard"), (a, "deep"), RenameMode::Exchange).unwrap();
    assert_eq!((path(&world, file), world.attr(hard).nlink), ("/hard".into(), 2));
    assert!(nokv_meta::fsck(&world.store).unwrap().is_clean());
}

#[test]
fn a_directory_moves_over_an_ancestor_only_when_that_is_empty() {
    let mut world = World::new();
    let a = world.create(ROOT, "a", NewKind::Directory);
    world.create(a, "b", NewKind::Directory);
    assert_eq!(
        code(rename(&mut world, (a, "b"), (ROOT, "a"), RenameMode::Replace)),
        Code::NotEmpty
    );
    assert_eq!(
        code(rename(&mut world, (ROOT, "a"), (a, "b"), RenameMode::Replace)),
        Code::Loop
    );
}
