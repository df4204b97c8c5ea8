//! Entries: made, found, linked, moved, removed.

mod attributes;
mod posix;

use crate::world::{HEAD, OWNER, ROOT, World, name};
use nokv_types::{Code, Command, NewKind, RenameMode, Request};

#[test]
fn created_entries_are_found_listed_and_counted() {
    let mut world = World::new();
    let dir = world.create(ROOT, "runs", NewKind::Directory);
    let create = |text: &str| {
        Request::internal(Command::Create {
            parent: dir,
            name: name(text),
            inode: OWNER,
            kind: NewKind::File,
        })
    };
    let answers = world.batch(vec![create("b"), create("a"), create("a")]);
    assert_eq!(answers[2].as_ref().unwrap_err().code, Code::Exists);
    assert_eq!(world.names(dir), ["a", "b"]);
    assert_eq!(world.attr(dir).entries, 2);
    assert_eq!(world.attr(ROOT).nlink, 3);
    let found = world
        .reader(|reader| reader.lookup(HEAD, dir.ino, &name("a")))
        .unwrap();
    assert_eq!(found.attr.unwrap().uid, 1000);
}

#[test]
fn a_second_name_shares_the_inode_and_survives_the_first() {
    let mut world = World::new();
    let file = world.create(ROOT, "one", NewKind::File);
    world
        .run(Command::Link {
            node: file,
            parent: ROOT,
            name: name("two"),
        })
        .unwrap();
    assert_eq!(world.attr(file).nlink, 2);
    world
        .run(Command::Unlink {
            parent: ROOT,
            name: name("one"),
        })
        .unwrap();
    assert_eq!(
        (world.attr(file).nlink, world.names(ROOT)),
        (1, vec!["two".to_owned()])
    );
    world
        .run(Command::Unlink {
            parent: ROOT,
            name: name("two"),
        })
        .unwrap();
    assert_eq!(
        world
            .reader(|reader| reader.getattr(HEAD, file.ino))
            .unwrap_err()
            .code(),
        Some(Code::NotFound)
    );
}

#[test]
fn a_directory_moves_with_what_is_in_it_but_not_into_itself() {
    let mut world = World::new();
    let a = world.create(ROOT, "a", NewKind::Directory);
    let b = world.create(a, "b", NewKind::Directory);
    world.create(b, "file", NewKind::File);
    let rename = |from, from_name, to, to_name| Command::Rename {
        from,
        from_name: name(from_name),
        to,
        to_name: name(to_name),
        mode: RenameMode::Replace,
    };
    assert_eq!(world.run(rename(ROOT, "a", b, "a")).unwrap_err().code, Code::Loop);
    world.run(rename(a, "b", ROOT, "c")).unwrap();
    assert_eq!(world.names(ROOT), ["a", "c"]);
    let path = world.reader(|reader| reader.path_of(HEAD, b.ino)).unwrap();
    assert_eq!(path.to_string(), "/c");
    assert_eq!(
        world
            .run(Command::Rmdir {
                parent: ROOT,
                name: name("c")
            })
            .unwrap_err()
            .code,
        Code::NotEmpty
    );
    world
        .run(Command::Rmdir {
            parent: ROOT,
            name: name("a"),
        })
        .unwrap();
    assert_eq!(world.attr(ROOT).nlink, 3);
}

#[test]
fn a_refused_command_changes_nothing() {
    let mut world = World::new();
    // The first batch after a clean stop writes the counters.
    world.create(ROOT, "some", NewKind::File);
    let before = world.store.to_rows();
    let refused = world.run(Command::Unlink {
        parent: ROOT,
        name: name("none"),
    });
    assert_eq!(refused.unwrap_err().code, Code::NotFound);
    assert_eq!(world.store.to_rows(), before);
}

#[test]
fn versions_go_on_above_the_ceiling_after_an_unclean_stop() {
    let mut world = World::new();
    let made = world.create(ROOT, "a", NewKind::File);
    let reloaded = nokv_meta::State::load(&world.store, nokv_types::Version::ZERO).unwrap();
    assert!(
        reloaded.last_version().0 >= nokv_meta::CEILING_STEP,
        "{made:?} could be handed out twice"
    );
}
