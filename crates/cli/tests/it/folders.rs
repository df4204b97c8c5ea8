//! Import and export of folders, with links, times and holes.

use crate::run::{Scratch, pattern, text};
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

fn folder(nokv: &Scratch) -> std::path::PathBuf {
    for n in 0..300 {
        nokv.write(&format!("src/many/f{n:03}"), &pattern(n * 100));
    }
    nokv.write("src/large", &pattern(5 << 20));
    let top = nokv.local("src");
    std::fs::hard_link(top.join("large"), top.join("same")).unwrap();
    std::os::unix::fs::symlink("large", top.join("soft")).unwrap();
    std::fs::create_dir(top.join("empty")).unwrap();
    std::fs::set_permissions(top.join("large"), std::fs::Permissions::from_mode(0o600)).unwrap();
    top
}

#[test]
fn a_folder_comes_back_as_it_was() {
    let nokv = Scratch::new();
    let top = folder(&nokv);
    let told = nokv.json(&["import", text(&top), "/runs"]);
    assert_eq!((&told["files"], &told["directories"]), (&301.into(), &2.into()));
    let out = nokv.local("out");
    nokv.ok(&["export", "/runs", text(&out)]);
    let diff = std::process::Command::new("diff")
        .args(["-r", text(&top), text(&out)])
        .output()
        .unwrap();
    assert!(diff.status.success(), "{}", String::from_utf8_lossy(&diff.stdout));
    let (old, new) = (
        top.join("large").metadata().unwrap(),
        out.join("large").metadata().unwrap(),
    );
    assert_eq!(
        (new.mode() & 0o777, new.nlink(), new.mtime()),
        (0o600, 2, old.mtime())
    );
    let (old, new) = (
        top.join("many").metadata().unwrap(),
        out.join("many").metadata().unwrap(),
    );
    assert_eq!(new.mtime(), old.mtime(), "folders keep their times");
    assert_eq!(
        std::fs::read_link(out.join("soft")).unwrap().to_str(),
        Some("large")
    );
    nokv.fails(&["export", "/runs", text(&out)], 74);
}

#[test]
fn a_hundred_gib_of_hole_moves_only_its_data() {
    let nokv = Scratch::new();
    let path = nokv.local("src/sparse");
    std::fs::create_dir(nokv.local("src")).unwrap();
    let mut file = File::create(&path).unwrap();
    let size = 100 << 30;
    for at in [5000, 50 << 30, size - 4096] {
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(b"data").unwrap();
    }
    file.set_len(size).unwrap();
    nokv.ok(&["import", text(&nokv.local("src")), "/a"]);
    nokv.ok(&["put", text(&path), "/b"]);
    for name in ["/a/sparse", "/b"] {
        let stat = nokv.json(&["stat", name]);
        assert_eq!(stat["size"], size);
        assert!(stat["allocated"].as_u64().unwrap() <= 64 << 10, "{stat}");
        let there = nokv
            .run(&[
                "cat",
                name,
                "--offset",
                &(50_u64 << 30).to_string(),
                "--length",
                "6",
            ])
            .out;
        assert_eq!(there, b"data\0\0");
    }
    let out = nokv.local("out");
    nokv.ok(&["get", "/b", text(&out)]);
    let got = out.metadata().unwrap();
    assert_eq!(got.size(), size);
    assert!(
        got.blocks() * 512 <= 1 << 20,
        "holes come out as holes: {} blocks",
        got.blocks()
    );
}

#[test]
fn one_directory_with_a_file_of_every_small_size_is_packed() {
    let nokv = Scratch::new();
    for n in 0..200 {
        nokv.write(&format!("src/{n}"), &pattern(4097 + n));
    }
    nokv.ok(&["import", text(&nokv.local("src")), "/a"]);
    let object = |n: u32| nokv.json(&["stat", &format!("/a/{n}")])["first_object"].clone();
    assert!(object(0).is_string());
    assert_eq!(object(0), object(199), "two hundred files, one object");
}
