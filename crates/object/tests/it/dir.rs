//! A directory store against damage, other processes, full and read-only file systems.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use nokv_object::dir::DirStore;
use nokv_object::{ErrorKind, Key, ObjectStore, PutOutcome, layout};

/// Tells a test that it is the child of itself, and where it works.
const CHILD_ENV: &str = "NOKV_TEST_CHILD_DIR";

fn create(store: &dyn ObjectStore, key: &Key, bytes: &[u8]) -> nokv_object::Result<PutOutcome> {
    store.put_if_absent(key, bytes, crc32c::crc32c(bytes))
}

fn file_of(root: &Path, key: &Key) -> PathBuf {
    root.join("objects").join(key.as_str())
}

#[test]
fn an_object_is_a_file_of_its_bytes_and_a_footer() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::open(dir.path()).unwrap();
    let key = layout::data(0xab << 120);
    create(&store, &key, b"123456789").unwrap();
    let raw = fs::read(
        dir.path()
            .join("objects/data/ab/ab000000000000000000000000000000"),
    )
    .unwrap();
    let footer = [
        b'N', b'o', b'K', b'V', b'o', b'b', b'j', b'1', 9, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x83,
        0x92, 0x06, 0xe3,
    ];
    assert_eq!(raw[..9], *b"123456789");
    assert_eq!(raw[9..37], footer);
    assert_eq!(raw[37..], crc32c::crc32c(&footer).to_le_bytes());
}

#[test]
fn every_flipped_bit_and_every_truncation_is_found_by_the_next_whole_read() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::open(dir.path()).unwrap();
    let key = Key::new("meta/HEAD").unwrap();
    create(&store, &key, b"forty bytes of a register, more or less.").unwrap();
    let path = file_of(dir.path(), &key);
    let good = fs::read(&path).unwrap();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bad).unwrap();
        assert_eq!(store.get(&key).unwrap_err().kind, ErrorKind::Corrupt, "bit {bit}");
    }
    for len in 0..good.len() {
        fs::write(&path, &good[..len]).unwrap();
        assert_eq!(
            store.get(&key).unwrap_err().kind,
            ErrorKind::Corrupt,
            "{len} bytes left"
        );
        assert_eq!(
            store.head(&key).unwrap_err().kind,
            ErrorKind::Corrupt,
            "{len} bytes left"
        );
        assert_eq!(
            store.get_range(&key, 0, 1).unwrap_err().kind,
            ErrorKind::Corrupt,
            "{len} bytes left"
        );
    }
    fs::write(&path, [&good[..], b"x"].concat()).unwrap();
    assert_eq!(
        store.get(&key).unwrap_err().kind,
        ErrorKind::Corrupt,
        "a byte more"
    );
    fs::write(&path, &good).unwrap();
    assert_eq!(store.get(&key).unwrap().bytes.len(), 40);
}

#[test]
fn a_damaged_register_is_not_swapped_away() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::open(dir.path()).unwrap();
    let key = layout::head();
    let etag = store.put_if_match(&key, b"one", None).unwrap();
    let path = file_of(dir.path(), &key);
    fs::write(&path, b"torn").unwrap();
    assert_eq!(
        store.put_if_match(&key, b"two", Some(&etag)).unwrap_err().kind,
        ErrorKind::Corrupt
    );
    assert_eq!(fs::read(&path).unwrap(), b"torn");
}

#[test]
fn a_key_cannot_be_an_object_and_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::open(dir.path()).unwrap();
    let [folder, inside] = ["meta/a", "meta/a/b"].map(|name| Key::new(name).unwrap());
    create(&store, &inside, b"x").unwrap();
    assert_eq!(
        create(&store, &folder, b"x").unwrap_err().kind,
        ErrorKind::Invalid
    );
    assert_eq!(store.get(&folder).unwrap_err().kind, ErrorKind::Invalid);
    store.delete(&[inside]).unwrap();
    let other = Key::new("meta/c").unwrap();
    create(&store, &other, b"x").unwrap();
    let below = Key::new("meta/c/d").unwrap();
    assert_eq!(create(&store, &below, b"x").unwrap_err().kind, ErrorKind::Invalid);
    store.delete(&[below]).unwrap();
    assert_eq!(store.get(&other).unwrap().bytes, b"x");
}

#[test]
fn folders_of_checkpoints_go_with_their_last_object_while_others_are_made() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::open(dir.path()).unwrap();
    let part = |n: u32| {
        layout::CheckpointName {
            seq: 1,
            epoch: 1,
            rand: 1,
        }
        .part(n)
    };
    thread::scope(|scope| {
        for n in 0..4 {
            let (store, part) = (&store, &part);
            scope.spawn(move || {
                for _ in 0..50 {
                    assert_eq!(create(store, &part(n), b"part").unwrap(), PutOutcome::Created);
                    store.delete(&[part(n)]).unwrap();
                }
            });
        }
    });
    let left = fs::read_dir(dir.path().join("objects/meta/ckpt"))
        .unwrap()
        .count();
    assert_eq!(left, 0, "an empty folder is left");
}

#[test]
fn two_stores_on_one_directory_exclude_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let stores = [
        DirStore::open(dir.path()).unwrap(),
        DirStore::open(dir.path()).unwrap(),
    ];
    let key = layout::head();
    let mut etag = stores[0].put_if_match(&key, b"start", None).unwrap();
    for round in 0..20_u8 {
        let swap = |n: u8| stores[usize::from(n)].put_if_match(&key, &[n, round], Some(&etag));
        let (one, two) = thread::scope(|scope| {
            let one = scope.spawn(|| swap(0));
            (swap(1), one.join().unwrap())
        });
        let [won, lost] = if one.is_ok() { [one, two] } else { [two, one] };
        assert_eq!(lost.unwrap_err().kind, ErrorKind::Precondition, "round {round}");
        etag = won.unwrap();
    }
}

#[test]
fn a_loop_of_links_in_the_store_is_an_error_of_the_file_system() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::open(dir.path()).unwrap();
    std::os::unix::fs::symlink("loop", dir.path().join("objects/loop")).unwrap();
    let key = Key::new("loop/x").unwrap();
    assert_eq!(store.get(&key).unwrap_err().kind, ErrorKind::Io);
}

#[test]
fn a_store_whose_directory_was_removed_does_not_take_it_for_empty() {
    let dir = tempfile::tempdir().unwrap();
    let store = DirStore::open(&dir.path().join("store")).unwrap();
    fs::remove_dir_all(dir.path().join("store")).unwrap();
    assert_eq!(
        create(&store, &layout::head(), b"x").unwrap_err().kind,
        ErrorKind::Io
    );
}

/// Runs a test of this program again, in a mount namespace of its own, on a small file system that goes away
/// with it.
fn on_a_small_file_system(test: &str) {
    let dir = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=4m tmpfs "$0" && exec "$1" --exact "$2" --nocapture"#;
    let child = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(CHILD_ENV, dir.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && told.contains("1 passed"), "{told}");
}

#[test]
fn a_full_disk_is_named_harms_nothing_and_is_usable_after_a_deletion() {
    let Some(root) = std::env::var_os(CHILD_ENV) else {
        return on_a_small_file_system(
            "dir::a_full_disk_is_named_harms_nothing_and_is_usable_after_a_deletion",
        );
    };
    let root = Path::new(&root).join("store");
    let store = DirStore::open(&root).unwrap();
    let key = |n: u128| layout::data(n << 100 | n);
    let body = |n: u128| vec![n as u8; 100_000];
    let full = (0..100).find_map(|n| create(&store, &key(n), &body(n)).err().map(|e| (n, e)));
    let (count, error) = full.expect("4 MiB hold less than 10 MB");
    assert!(error.kind == ErrorKind::Full && count > 10, "{count}: {error:?}");
    assert_eq!(
        store
            .put_if_match(&layout::head(), &body(1), None)
            .unwrap_err()
            .kind,
        ErrorKind::Full
    );
    for n in 0..count {
        assert_eq!(store.get(&key(n)).unwrap().bytes, body(n));
    }
    assert!(store.head(&key(count)).unwrap().is_none());
    assert_eq!(
        fs::read_dir(root.join("tmp")).unwrap().count(),
        0,
        "a torn file is left"
    );
    store.delete(&[key(0), key(1)]).unwrap();
    assert_eq!(
        create(&store, &key(count), &body(count)).unwrap(),
        PutOutcome::Created
    );
}

#[test]
fn a_read_only_directory_is_readable_and_refuses_changes_as_denied() {
    let Some(root) = std::env::var_os(CHILD_ENV) else {
        return on_a_small_file_system(
            "dir::a_read_only_directory_is_readable_and_refuses_changes_as_denied",
        );
    };
    let store_at = Path::new(&root).join("store");
    let key = layout::head();
    DirStore::open(&store_at)
        .unwrap()
        .put_if_match(&key, b"head", None)
        .unwrap();
    let remount = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(&root)
        .status()
        .unwrap();
    assert!(remount.success());
    let store = DirStore::open(&store_at).unwrap();
    let head = store.get(&key).unwrap();
    assert_eq!(head.bytes, b"head");
    assert_eq!(
        create(&store, &layout::identity(), b"x").unwrap_err().kind,
        ErrorKind::Denied
    );
    assert_eq!(
        store.put_if_match(&key, b"x", Some(&head.etag)).unwrap_err().kind,
        ErrorKind::Denied
    );
    assert_eq!(store.delete(&[key]).unwrap_err().kind, ErrorKind::Denied);
    let fresh = DirStore::open(&Path::new(&root).join("fresh")).unwrap_err();
    assert_eq!(fresh.kind, ErrorKind::Denied);
}
