//! From a URL to a store, and what is said when it cannot be.

use nokv_object::{ErrorKind, Key, PutOutcome, open};

#[test]
fn a_directory_url_opens_the_same_store_again() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("dir:{}", dir.path().join("store").display());
    let key = Key::new("meta/HEAD").unwrap();
    let put = open(&url)
        .unwrap()
        .put_if_absent(&key, b"x", crc32c::crc32c(b"x"))
        .unwrap();
    assert_eq!(put, PutOutcome::Created);
    assert_eq!(open(&url).unwrap().get(&key).unwrap().bytes, b"x");
}

#[test]
fn a_memory_url_opens_an_empty_store() {
    assert_eq!(open("mem:").unwrap().list("", None, 1).unwrap(), []);
}

#[test]
fn a_bucket_url_opens_without_a_network() {
    let store = open("s3://bucket/prefix?endpoint=http://127.0.0.1:1&region=r").unwrap();
    assert!(format!("{store:?}").contains("bucket"));
}

#[test]
fn what_is_no_store_is_refused_with_a_sentence_and_without_repeating_it() {
    for url in [
        "",
        "dir:",
        "mem:x",
        "/plain/path",
        "http://AKIA:hunter2@host/",
        "s3://",
        "s3://hunter2@bucket/prefix",
    ] {
        let error = open(url).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{url}");
        assert!(
            error.advice.is_some() && !format!("{error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
}

#[test]
fn a_foreign_directory_is_refused_as_misconfigured() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("thesis.tex"), b"").unwrap();
    let error = open(&format!("dir:{}", dir.path().display())).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Misconfigured);
    assert!(error.to_string().contains(&*dir.path().to_string_lossy()));
}
