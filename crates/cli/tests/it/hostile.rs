//! Archives that lie: each is refused by the name of its entry and leaves the namespace as it was.

use crate::archives::{header, sample, xz};
use crate::run::Scratch;
use tar::{Builder, EntryType};

/// The archive breaks a rule or is damaged.
const BAD_ARCHIVE: i32 = 65;

/// Imports it over standard input and by name, and wants a refusal that says `why` and changes nothing.
fn refused(nokv: &Scratch, archive: &[u8], exit: i32, why: &[&str]) {
    let before = nokv.paths();
    let file = nokv.write("bad.tar", archive);
    let by_name = nokv.run(&["import", &file, "/new"]);
    let by_stream = nokv.feed(&["import", "-", "/new"], archive);
    for ran in [by_name, by_stream] {
        assert_eq!(ran.exit, exit, "{}", ran.err);
        for part in why {
            assert!(ran.err.contains(part), "{part} is not in: {}", ran.err);
        }
    }
    assert_eq!(nokv.paths(), before);
}

/// An archive with a good entry before the bad one, whose raw name tar itself would refuse to write.
fn with_raw_name(name: &[u8]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    tar.append_data(&mut header(EntryType::Regular, 4), "good", &b"good"[..])
        .unwrap();
    let mut raw = header(EntryType::Regular, 3);
    raw.as_old_mut().name[..name.len()].copy_from_slice(name);
    raw.set_cksum();
    tar.append(&raw, &b"bad"[..]).unwrap();
    tar.into_inner().unwrap()
}

#[test]
fn absolute_paths_and_paths_that_lead_upwards() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "/standing"]);
    refused(
        &nokv,
        &with_raw_name(b"/etc/passwd"),
        BAD_ARCHIVE,
        &["NOKV-E0901", "/etc/passwd", "absolute"],
    );
    refused(
        &nokv,
        &with_raw_name(b"a/../../b"),
        BAD_ARCHIVE,
        &["NOKV-E0901", "a/../../b", "upwards"],
    );
}

#[test]
fn names_that_are_too_long() {
    let nokv = Scratch::new();
    let mut tar = Builder::new(Vec::new());
    tar.append_data(&mut header(EntryType::Regular, 1), "n".repeat(300), &b"x"[..])
        .unwrap();
    refused(
        &nokv,
        &tar.into_inner().unwrap(),
        BAD_ARCHIVE,
        &["NOKV-E0901", "nnnn", "too long a name"],
    );
}

#[test]
fn hard_links_out_of_the_tree_or_to_nothing() {
    let nokv = Scratch::new();
    nokv.feed(&["put", "-", "/secret"], b"x");
    for (target, why) in [
        ("../secret", "outside the tree"),
        ("/secret", "outside the tree"),
        ("nothing", "/nothing"),
    ] {
        let mut tar = Builder::new(Vec::new());
        let mut link = header(EntryType::Link, 0);
        link.set_link_name_literal(target).unwrap();
        tar.append_data(&mut link, "link", &[][..]).unwrap();
        refused(&nokv, &tar.into_inner().unwrap(), BAD_ARCHIVE, &["link", why]);
    }
}

#[test]
fn an_entry_listed_twice() {
    let nokv = Scratch::new();
    let mut tar = Builder::new(Vec::new());
    for body in [b"one", b"two"] {
        tar.append_data(&mut header(EntryType::Regular, 3), "dir/file", &body[..])
            .unwrap();
    }
    refused(
        &nokv,
        &tar.into_inner().unwrap(),
        BAD_ARCHIVE,
        &["NOKV-E0901", "/dir/file", "listed twice"],
    );
}

#[test]
fn a_file_below_a_link() {
    let nokv = Scratch::new();
    nokv.ok(&["mkdir", "/target"]);
    let mut tar = Builder::new(Vec::new());
    tar.append_link(&mut header(EntryType::Symlink, 0), "dir", "/target")
        .unwrap();
    tar.append_data(&mut header(EntryType::Regular, 1), "dir/file", &b"x"[..])
        .unwrap();
    refused(&nokv, &tar.into_inner().unwrap(), BAD_ARCHIVE, &["/dir"]);
}

#[test]
fn archives_that_are_cut_short() {
    let nokv = Scratch::new();
    let whole = sample();
    let packed = xz(&whole);
    for keep in [10, packed.len() / 2, packed.len() - 30, packed.len() - 1] {
        refused(
            &nokv,
            &packed[..keep],
            BAD_ARCHIVE,
            &["NOKV-E0901", "damaged or cut short"],
        );
    }
    // In a header, in a body, and where an entry ends.
    for keep in [700, 512 * 5 + 100, 512 * 3] {
        refused(
            &nokv,
            &whole[..keep],
            BAD_ARCHIVE,
            &["NOKV-E0901", "damaged or cut short"],
        );
    }
}

#[test]
fn archives_that_are_damaged() {
    let nokv = Scratch::new();
    nokv.ok(&["snapshot", "create", "s"]);
    let before = nokv.state();
    let mut packed = xz(&sample());
    let middle = packed.len() / 2;
    packed[middle] ^= 0x10;
    refused(
        &nokv,
        &packed,
        BAD_ARCHIVE,
        &["NOKV-E0901", "damaged or cut short"],
    );
    let mut plain = sample();
    plain[150] ^= 1;
    refused(&nokv, &plain, BAD_ARCHIVE, &["NOKV-E0901"]);
    // What had been brought in is taken back in the background; gc waits for that.
    nokv.ok(&["gc"]);
    assert_eq!(nokv.state(), before);
}

#[test]
fn files_that_are_no_archives_we_take() {
    let nokv = Scratch::new();
    refused(&nokv, b"", BAD_ARCHIVE, &["NOKV-E0901", "empty"]);
    refused(
        &nokv,
        b"\x1f\x8b\x08rest",
        BAD_ARCHIVE,
        &["NOKV-E0901", "gzip -dc"],
    );
    refused(&nokv, b"PK\x03\x04rest", BAD_ARCHIVE, &["NOKV-E0901", "zip"]);
    refused(
        &nokv,
        &b"just some words ".repeat(100),
        BAD_ARCHIVE,
        &["NOKV-E0901"],
    );
}

/// An archive with one file whose header is preceded by these extended records.
/// Weights, noise, a text: said to be no archive, without a byte of it.
#[test]
fn files_that_are_no_archives_at_all() {
    let nokv = Scratch::new();
    let noise: Vec<u8> = (0..4096u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 21) as u8 | 0x80)
        .collect();
    for bytes in [&noise[..], &[0xff; 600], b"a text\n"] {
        refused(
            &nokv,
            bytes,
            BAD_ARCHIVE,
            &["NOKV-E0901", "is no archive", ".tar.xz"],
        );
        let file = nokv.local("model.bin");
        std::fs::write(&file, bytes).unwrap();
        let said = nokv.fails(&["import", file.to_str().unwrap(), "/new"], BAD_ARCHIVE);
        assert!(said.is_ascii() && !said.contains("a text"), "{said}");
    }
}

fn with_records(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    let records = records.iter().map(|(key, value)| (*key, *value));
    tar.append_pax_extensions(records).unwrap();
    tar.append_data(&mut header(EntryType::Regular, 1), "file", &b"x"[..])
        .unwrap();
    tar.into_inner().unwrap()
}

#[test]
fn a_name_with_a_nul() {
    let nokv = Scratch::new();
    refused(
        &nokv,
        &with_records(&[("path", b"a\0b")]),
        BAD_ARCHIVE,
        &["NOKV-E0901", "is not a valid name", "NUL"],
    );
}

#[test]
fn a_path_above_the_limit() {
    let nokv = Scratch::new();
    let deep = "directory/".repeat(410) + "file";
    refused(
        &nokv,
        &with_records(&[("path", deep.as_bytes())]),
        BAD_ARCHIVE,
        &["NOKV-E0901", "too long a path"],
    );
}

#[test]
fn a_million_attributes_of_one_file() {
    let nokv = Scratch::new();
    let keys: Vec<String> = (0..1_000_000).map(|n| format!("SCHILY.xattr.user.{n}")).collect();
    let records: Vec<(&str, &[u8])> = keys.iter().map(|key| (key.as_str(), &b"1"[..])).collect();
    refused(
        &nokv,
        &with_records(&records),
        BAD_ARCHIVE,
        &["NOKV-E0901", "/file", "1024"],
    );
}
