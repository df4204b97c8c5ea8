//! Paths lead through links, and not round in circles.

use crate::fake::{Fake, INODE, head, node};
use crate::uploads::publish;
use nokv_client::{Ack, Client};
use nokv_types::{Code, Command, FileKind, Name, NewKind, Node, NsPath};

fn path(text: &str) -> NsPath {
    NsPath::parse(text.as_bytes()).unwrap()
}

fn link(client: &Client, parent: Node, name: &str, to: &str) {
    let create = Command::Create {
        parent,
        name: Name::new(name.as_bytes()).unwrap(),
        inode: INODE,
        kind: NewKind::Symlink(to.as_bytes().to_vec()),
    };
    client.change(create, Ack::Applied).unwrap();
}

#[test]
fn links_in_the_middle_and_at_the_end_are_followed_where_asked() {
    let fake = Fake::new();
    let client = fake.client();
    let dir = client
        .make_dirs(head(), &path("a/b"), INODE, Ack::Applied)
        .unwrap()
        .node;
    let file = publish(&client, "file", b"x").unwrap().node;
    link(&client, dir, "up", "../../file");
    link(&client, node(1), "short", "/a/b");
    assert_eq!(client.follow(head(), &path("short/up")).unwrap().node, file);
    assert_eq!(
        client.find(head(), &path("short/up")).unwrap().attr.kind,
        FileKind::Symlink
    );
    assert_eq!(
        client.find(head(), &path("short")).unwrap().attr.kind,
        FileKind::Symlink
    );
    assert_eq!(client.follow(head(), &path("short")).unwrap().node, dir);
    assert_eq!(
        client
            .make_dirs(head(), &path("short"), INODE, Ack::Applied)
            .unwrap()
            .node,
        dir
    );
}

#[test]
fn a_circle_of_links_is_refused() {
    let fake = Fake::new();
    let client = fake.client();
    link(&client, node(1), "a", "b");
    link(&client, node(1), "b", "a");
    assert_eq!(
        client.follow(head(), &path("a/c")).unwrap_err().code(),
        Some(Code::Loop)
    );
    assert_eq!(
        client.follow(head(), &path("a")).unwrap_err().code(),
        Some(Code::Loop)
    );
}

#[test]
fn a_path_that_leads_nowhere_is_named_whole() {
    let fake = Fake::new();
    let refused = fake.client().follow(head(), &path("no/such/thing")).unwrap_err();
    assert_eq!(
        (refused.code(), refused.subject()),
        (Some(Code::NotFound), "/no/such/thing")
    );
}

#[test]
fn the_root_has_no_parent() {
    let fake = Fake::new();
    let refused = fake.client().parent_of(head(), &path("/")).unwrap_err();
    assert_eq!(refused.code(), Some(Code::Invalid));
}
