//! Whole trees: built entry by entry, walked in order, refused where an archive lies.

use crate::fake::{Fake, INODE, head, node};
use nokv_client::{Ack, Client, EntryMeta, ErrorKind, Found, Placed, TreeBuilder, Walk};
use nokv_types::{Code, FileKind, NewKind, NsPath};
use std::sync::atomic::Ordering;

fn path(text: &str) -> NsPath {
    NsPath::parse(text.as_bytes()).unwrap()
}

fn meta() -> EntryMeta {
    EntryMeta {
        inode: INODE,
        mtime: Some(77),
        xattrs: Vec::new(),
    }
}

fn top(client: &Client) -> Found {
    client.find(head(), &path("/")).unwrap()
}

fn add(tree: &mut TreeBuilder<'_>, name: &str, body: &[u8]) -> nokv_client::Result<Placed> {
    let wanted = tree.wants(&path(name), body.len() as u64, meta().mtime)?;
    if wanted == Placed::Made {
        tree.small_file(&path(name), meta(), body)?;
    }
    Ok(wanted)
}

#[test]
fn a_walk_lists_parents_first_in_the_order_of_names_over_several_pages() {
    let fake = Fake::new();
    let client = fake.client();
    let mut tree = TreeBuilder::new(&client, node(1), false);
    for n in 0..2500 {
        add(&mut tree, &format!("many/f{n:04}"), b"x").unwrap();
    }
    add(&mut tree, "a/b/c", b"deep").unwrap();
    tree.other(&path("z"), &meta(), NewKind::Symlink(b"a".to_vec()))
        .unwrap();
    tree.finish(Ack::Durable).unwrap();
    let seen: Vec<String> = Walk::new(&client, head(), top(&client))
        .map(|entry| entry.unwrap().path.to_string())
        .collect();
    let mut expect = vec!["/a".to_owned(), "/a/b".into(), "/a/b/c".into(), "/many".into()];
    expect.extend((0..2500).map(|n| format!("/many/f{n:04}")));
    expect.push("/z".into());
    assert_eq!(seen, expect);
}

#[test]
fn a_durable_end_is_durable_though_no_directory_has_a_time() {
    let fake = Fake::new();
    let client = fake.client();
    let mut tree = TreeBuilder::new(&client, node(1), false);
    add(&mut tree, "file", b"1").unwrap();
    tree.hard_link(&path("again"), &path("file")).unwrap();
    assert_eq!(fake.state().last_ack, Some(Ack::Applied));
    tree.finish(Ack::Durable).unwrap();
    assert_eq!(fake.state().last_ack, Some(Ack::Durable));
}

#[test]
fn an_entry_listed_twice_is_refused_by_name() {
    let fake = Fake::new();
    let client = fake.client();
    let mut tree = TreeBuilder::new(&client, node(1), false);
    add(&mut tree, "dir/file", b"1").unwrap();
    let refused = add(&mut tree, "dir//file", b"1").unwrap_err();
    assert_eq!(
        (refused.code(), refused.subject()),
        (Some(Code::Exists), "/dir/file")
    );
}

#[test]
fn a_hard_link_to_what_was_not_listed_is_refused() {
    let fake = Fake::new();
    let client = fake.client();
    let mut tree = TreeBuilder::new(&client, node(1), false);
    add(&mut tree, "file", b"1").unwrap();
    tree.hard_link(&path("again"), &path("file")).unwrap();
    let refused = tree.hard_link(&path("bad"), &path("elsewhere")).unwrap_err();
    assert_eq!(
        (refused.code(), refused.subject()),
        (Some(Code::NotFound), "/elsewhere")
    );
    assert_eq!(client.find(head(), &path("again")).unwrap().attr.nlink, 2);
}

#[test]
fn a_second_run_keeps_what_the_first_one_made() {
    let fake = Fake::new();
    let client = fake.client();
    let mut first = TreeBuilder::new(&client, node(1), false);
    add(&mut first, "a/one", b"1").unwrap();
    first.finish(Ack::Applied).unwrap();
    let mut second = TreeBuilder::new(&client, node(1), true);
    assert_eq!(add(&mut second, "a/one", b"1").unwrap(), Placed::Present);
    assert_eq!(add(&mut second, "a/two", b"22").unwrap(), Placed::Made);
    second.finish(Ack::Applied).unwrap();
    assert_eq!(client.find(head(), &path("a/two")).unwrap().attr.size, 2);
}

/// A run that was stopped between the file and its time leaves it with the time of the run.
#[test]
fn a_second_run_sets_the_times_that_the_first_one_did_not_come_to() {
    let fake = Fake::new();
    let client = fake.client();
    let late = EntryMeta {
        mtime: None,
        ..meta()
    };
    let mut first = TreeBuilder::new(&client, node(1), false);
    for n in 0..300 {
        let name = path(&format!("f{n}"));
        first.wants(&name, 1, None).unwrap();
        first.small_file(&name, late.clone(), b"x").unwrap();
    }
    let link = NewKind::Symlink(b"a".to_vec());
    first.other(&path("link"), &late, link.clone()).unwrap();
    first.finish(Ack::Applied).unwrap();
    let mtime = |name: &str| client.find(head(), &path(name)).unwrap().attr.mtime;
    assert!(mtime("f0") != 77 && mtime("link") != 77);

    let mut second = TreeBuilder::new(&client, node(1), true);
    for n in 0..300 {
        assert_eq!(add(&mut second, &format!("f{n}"), b"x").unwrap(), Placed::Present);
    }
    let placed = second.other(&path("link"), &meta(), link).unwrap();
    assert_eq!(placed, Placed::Present);
    second.finish(Ack::Durable).unwrap();
    for n in 0..300 {
        assert_eq!(mtime(&format!("f{n}")), 77, "f{n}");
    }
    assert_eq!(mtime("link"), 77);
}

#[test]
fn a_listed_directory_gets_its_own_mode_and_time_even_after_it_was_implied() {
    let fake = Fake::new();
    let client = fake.client();
    let mut tree = TreeBuilder::new(&client, node(1), false);
    add(&mut tree, "dir/file", b"1").unwrap();
    let mut own = meta();
    own.inode.mode = 0o700;
    tree.directory(&path("dir"), &own).unwrap();
    tree.finish(Ack::Applied).unwrap();
    let attr = client.find(head(), &path("dir")).unwrap().attr;
    assert_eq!(
        (attr.kind, attr.mode, attr.mtime),
        (FileKind::Directory, 0o700, 77)
    );
}

#[test]
fn asking_to_stop_ends_a_build_and_a_walk() {
    let fake = Fake::new();
    let settings = nokv_client::Settings::default();
    let stop = std::sync::Arc::clone(&settings.stop);
    let client = Client::new(fake.clone(), settings);
    let mut tree = TreeBuilder::new(&client, node(1), false);
    stop.store(true, Ordering::Relaxed);
    assert!(matches!(
        add(&mut tree, "file", b"1").unwrap_err().kind(),
        ErrorKind::Stopped
    ));
    let mut walk = Walk::new(&client, head(), top(&client));
    assert!(matches!(
        walk.next().unwrap().unwrap_err().kind(),
        ErrorKind::Stopped
    ));
    assert!(walk.next().is_none());
}
