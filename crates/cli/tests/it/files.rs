//! Single files: in, out, moved, copied, linked, removed.

use crate::run::{Scratch, pattern, text};
use std::os::unix::ffi::OsStringExt as _;

#[test]
fn bodies_of_every_size_come_back_as_they_went_in() {
    let nokv = Scratch::new();
    for len in [0, 1, 4096, 4097, 1 << 20, (4 << 20) + 1, 9 << 20] {
        let bytes = pattern(len);
        let from = nokv.write("in", &bytes);
        nokv.ok(&["put", &from, "/file"]);
        assert_eq!(nokv.run(&["cat", "/file"]).out, bytes, "{len} bytes by cat");
        let to = nokv.local("out");
        nokv.ok(&["get", "/file", text(&to)]);
        assert_eq!(std::fs::read(&to).unwrap(), bytes, "{len} bytes by get");
        assert_eq!(nokv.json(&["stat", "/file"])["size"], len);
    }
}

#[test]
fn a_put_into_a_directory_keeps_the_name_and_standard_input_needs_one() {
    let nokv = Scratch::new();
    let from = nokv.write("model.bin", b"weights");
    nokv.ok(&["mkdir", "-p", "/a/b"]);
    nokv.ok(&["put", &from, "/a/b/"]);
    assert_eq!(nokv.feed(&["put", "-", "/a/stdin"], b"typed").exit, 0);
    assert_eq!(nokv.paths(), ["a", "a/b", "a/b/model.bin", "a/stdin"]);
    assert_eq!(nokv.feed(&["put", "-", "/a/"], b"typed").exit, 2);
}

#[test]
fn a_range_of_a_file_can_be_printed_and_bytes_appended() {
    let nokv = Scratch::new();
    let bytes = pattern(5 << 20);
    let from = nokv.write("in", &bytes);
    nokv.ok(&["put", &from, "/file"]);
    let part = nokv
        .run(&["cat", "/file", "--offset", "4194300", "--length", "10"])
        .out;
    assert_eq!(part, bytes[4_194_300..4_194_310]);
    nokv.feed(&["put", "--append", "-", "/file"], b"tail");
    let whole = nokv.run(&["cat", "/file"]).out;
    assert!(whole[..bytes.len()] == bytes && whole[bytes.len()..] == *b"tail");
    let nothing = nokv.feed(&["put", "--append", "-", "/file"], b"");
    assert_eq!(nothing.exit, 0, "{nothing:?}");
    assert_eq!(nokv.run(&["cat", "/file"]).out, whole);
}

#[test]
fn create_only_refuses_a_name_that_is_taken() {
    let nokv = Scratch::new();
    let from = nokv.write("in", b"1");
    nokv.ok(&["put", "--create-only", &from, "/file"]);
    let err = nokv.fails(&["put", "--create-only", &from, "/file"], 1);
    assert!(err.contains("NOKV-E0017") && err.contains("/file"), "{err}");
}

#[test]
fn a_move_replaces_refuses_or_exchanges() {
    let nokv = Scratch::new();
    for (name, body) in [("a", "one"), ("b", "two")] {
        nokv.feed(&["put", "-", &format!("/{name}")], body.as_bytes());
    }
    nokv.fails(&["mv", "-n", "/a", "/b"], 1);
    nokv.ok(&["mv", "--exchange", "/a", "/b"]);
    assert_eq!(nokv.ok(&["cat", "/a", "/b"]), "twoone");
    nokv.ok(&["mkdir", "/dir"]);
    nokv.ok(&["mv", "/a", "/dir"]);
    nokv.ok(&["mv", "/b", "/dir/a"]);
    assert_eq!(nokv.paths(), ["dir", "dir/a"]);
    assert_eq!(nokv.ok(&["cat", "/dir/a"]), "one");
    let err = nokv.fails(&["mv", "/gone", "/x"], 1);
    assert!(err.contains("/gone") && err.contains("try: nokv ls /"), "{err}");
}

#[test]
fn a_copy_shares_the_objects_and_goes_its_own_way() {
    let nokv = Scratch::new();
    let from = nokv.write("in", &pattern(3 << 20));
    nokv.ok(&["mkdir", "-p", "/runs/1"]);
    nokv.ok(&["put", &from, "/runs/1/model"]);
    nokv.ok(&["ln", "-s", "1/model", "/runs/latest"]);
    nokv.fails(&["cp", "/runs", "/copy"], 2);
    nokv.ok(&["cp", "-r", "/runs", "/copy"]);
    let object = |path: &str| nokv.json(&["stat", path])["first_object"].clone();
    assert!(object("/runs/1/model").is_string());
    assert_eq!(object("/runs/1/model"), object("/copy/1/model"));
    nokv.feed(&["put", "-", "/copy/1/model"], b"other");
    assert_eq!(nokv.json(&["stat", "/runs/1/model"])["size"], 3 << 20);
    assert_eq!(nokv.json(&["stat", "/copy/latest"])["target"], "1/model");
}

#[test]
fn hard_links_share_a_body_and_symbolic_links_are_followed() {
    let nokv = Scratch::new();
    nokv.feed(&["put", "-", "/file"], b"x");
    nokv.ok(&["ln", "/file", "/again"]);
    nokv.ok(&["ln", "-s", "file", "/soft"]);
    assert_eq!(nokv.json(&["stat", "/file"])["nlink"], 2);
    nokv.feed(&["put", "-", "/again"], b"new");
    assert_eq!(nokv.ok(&["cat", "/file", "/soft"]), "newnew");
    nokv.ok(&["rm", "/file"]);
    assert_eq!(nokv.ok(&["cat", "/again"]), "new");
    nokv.fails(&["cat", "/soft"], 1);
}

#[test]
fn a_tree_goes_only_with_r_and_a_yes() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "-p", "/a/b/c"]);
    nokv.fails(&["rm", "/a"], 1);
    let err = nokv.fails(&["rm", "-r", "/a"], 2);
    assert!(err.contains("--yes"), "{err}");
    nokv.ok(&["rm", "-r", "--dry-run", "/a"]);
    assert_eq!(nokv.paths().len(), 3);
    nokv.ok(&["rm", "-r", "--yes", "/a"]);
    assert!(nokv.paths().is_empty());
    nokv.fails(&["rm", "/a"], 1);
    nokv.ok(&["rm", "-f", "/a"]);
}

#[test]
fn names_need_not_be_utf8() {
    let nokv = Scratch::new();
    let odd = std::ffi::OsString::from_vec(b"/a\xffb".to_vec());
    let from = nokv.write("in", b"x");
    nokv.ok(&["put".into(), from.into(), odd.clone()]);
    assert_eq!(nokv.ok(&["cat".into(), odd]), "x");
    let listed = nokv.json(&["ls"]);
    assert_eq!(
        (&listed[0]["name"], &listed[0]["name_hex"]),
        (&"a\\xffb".into(), &"61ff62".into())
    );
}

#[test]
fn bad_names_are_refused_by_name() {
    let nokv = Scratch::new();
    let long = "n".repeat(256);
    assert!(nokv.fails(&["mkdir", &long], 2).contains("NOKV-E0036"));
    nokv.ok(&["mkdir", &long[..255]]);
    assert!(nokv.fails(&["mkdir", "/a/../b"], 2).contains("NOKV-E0100"));
    let deep = "d/".repeat(2049);
    assert!(nokv.fails(&["ls", &deep], 2).contains("NOKV-E0101"));
    nokv.fails(&["mkdir", ""], 2);
}
