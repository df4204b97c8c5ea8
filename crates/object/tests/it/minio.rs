//! A real S3 server: the suite, the probe with signed URLs, and what it says when it is wrong.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use nokv_object::probe::{Check, HttpAnswer, Probe, SignedHttp, Verdict};
use nokv_object::retry::{RetryPolicy, RetryStore, SystemPace};
use nokv_object::s3::{Addressing, S3Credentials, S3Options, S3Store};
use nokv_object::{ErrorKind, Key, ObjectStore, Put, PutOutcome, SignedUrl, conformance};
use nokv_testkit::http;
use nokv_testkit::minio::Minio;

pub(crate) const BUCKET: &str = "nokv-test";

/// Options for a bucket of this server, reached through `endpoint`.
pub(crate) fn options(minio: &Minio, endpoint: String) -> S3Options {
    S3Options {
        prefix: "team/workspace/".to_owned(),
        endpoint: Some(endpoint),
        addressing: Addressing::Path,
        credentials: Some(S3Credentials {
            access_key: minio.access_key().to_owned(),
            secret_key: minio.secret_key().to_owned(),
            session_token: None,
        }),
        ..S3Options::new(BUCKET)
    }
}

/// A server with a bucket.
pub(crate) fn start() -> Minio {
    let minio = Minio::start().unwrap_or_else(|e| panic!("{e}"));
    minio.create_bucket(BUCKET).unwrap();
    minio
}

fn store(minio: &Minio) -> S3Store {
    S3Store::new(options(minio, minio.endpoint())).unwrap()
}

/// Sends signed URLs without any library.
struct PlainHttp;

impl SignedHttp for PlainHttp {
    fn send(&self, signed: &SignedUrl, body: &[u8]) -> io::Result<HttpAnswer> {
        let answer = http::request(signed.method, &signed.url, &signed.headers, body)?;
        Ok(HttpAnswer {
            status: answer.status,
            body: answer.body,
        })
    }
}

fn now() -> SystemTime {
    // The server compares with its own clock, so this is the one place that needs the real one.
    #[expect(
        clippy::disallowed_methods,
        reason = "signed urls are checked by a server with a real clock"
    )]
    SystemTime::now()
}

#[test]
fn a_real_server_conforms_and_is_left_empty() {
    let minio = start();
    let store = store(&minio);
    assert_eq!(conformance::run(&store, 4), []);
    assert_eq!(store.list("", None, 10).unwrap(), []);
}

#[test]
fn a_real_server_passes_the_whole_probe_signed_urls_included() {
    let minio = start();
    let store = store(&minio);
    let report = Probe {
        store: &store,
        nonce: 5,
        now: now(),
        http: Some(&PlainHttp),
    }
    .run();
    assert!(
        report
            .findings
            .iter()
            .all(|finding| finding.verdict == Verdict::Holds),
        "{report}"
    );
    assert_eq!(report.findings.len(), Check::ALL.len());
    assert_eq!(store.list("", None, 10).unwrap(), []);
}

#[test]
fn names_lie_under_the_prefix_of_the_workspace_and_listings_do_not_show_it() {
    let minio = start();
    let store = store(&minio);
    let other = S3Store::new(S3Options {
        prefix: String::new(),
        ..options(&minio, minio.endpoint())
    })
    .unwrap();
    let key = Key::new("meta/HEAD").unwrap();
    store.put_if_match(&key, b"head", None).unwrap();
    let full = Key::new("team/workspace/meta/HEAD").unwrap();
    assert_eq!(other.get(&full).unwrap().bytes, b"head");
    let listed = store.list("meta/", None, 10).unwrap();
    assert_eq!(
        listed.into_iter().map(|entry| entry.key).collect::<Vec<_>>(),
        [key]
    );
}

#[test]
fn more_names_than_one_request_takes_are_deleted_and_listed() {
    let minio = start();
    let store = store(&minio);
    let keys: Vec<Key> = (0..1003)
        .map(|n| Key::new(format!("data/00/{n:04}")).unwrap())
        .collect();
    let crc32c = crc32c::crc32c(b"x");
    let puts: Vec<Put<'_>> = keys
        .iter()
        .map(|key| Put {
            key,
            bytes: b"x",
            crc32c,
        })
        .collect();
    for put in store.put_many(&puts) {
        assert_eq!(put.unwrap(), PutOutcome::Created);
    }
    let first = store.list("data/", None, usize::MAX).unwrap();
    assert_eq!(first.len(), 1000);
    assert_eq!(
        store.list("data/", Some(&keys[999]), usize::MAX).unwrap().len(),
        3
    );
    store.delete(&keys).unwrap();
    assert_eq!(store.list("data/", None, 10).unwrap(), []);
}

#[test]
fn wrong_buckets_keys_and_addresses_have_errors_that_say_so() {
    let minio = start();
    let key = Key::new("meta/HEAD").unwrap();
    let kind = |options: S3Options| S3Store::new(options).unwrap().get(&key).unwrap_err().kind;
    let good = options(&minio, minio.endpoint());
    let no_bucket = S3Options {
        bucket: "not-there".to_owned(),
        ..good.clone()
    };
    assert_eq!(kind(no_bucket), ErrorKind::Misconfigured);
    let mut no_access = good.clone();
    no_access.credentials.as_mut().unwrap().secret_key = "wrong".to_owned();
    assert_eq!(kind(no_access), ErrorKind::Denied);
    let nobody = S3Options {
        endpoint: Some("http://127.0.0.1:1".to_owned()),
        ..good.clone()
    };
    assert_eq!(kind(nobody.clone()), ErrorKind::Unavailable);
    let refused = S3Store::new(nobody)
        .unwrap()
        .put_if_match(&key, b"x", None)
        .unwrap_err();
    assert_eq!(
        refused.kind,
        ErrorKind::Unavailable,
        "a refused connection did nothing"
    );
    assert_eq!(kind(good), ErrorKind::NotFound);
}

#[test]
fn errors_and_debug_of_a_real_refusal_hold_no_secret_and_no_signature() {
    let minio = start();
    let mut options = options(&minio, minio.endpoint());
    options.credentials.as_mut().unwrap().secret_key = "hunter2hunter2".to_owned();
    let store = S3Store::new(options).unwrap();
    let key = Key::new("meta/HEAD").unwrap();
    let error = store.put_if_absent(&key, b"x", crc32c::crc32c(b"x")).unwrap_err();
    let shown = format!("{error:?} {error} {store:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("Signature="),
        "{shown}"
    );
}

#[test]
fn calls_from_inside_another_runtime_block_and_do_not_panic() {
    let minio = start();
    let store = Arc::new(store(&minio));
    let key = Key::new("meta/HEAD").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let inside = store.clone();
    let found = runtime.block_on(async move { inside.head(&key).map(|meta| meta.is_none()) });
    assert!(found.unwrap());
    runtime.block_on(async move { drop(store) });
}

#[test]
fn a_server_that_went_away_is_reported_within_the_deadline() {
    let minio = start();
    let inner = Arc::new(store(&minio));
    let policy = RetryPolicy {
        attempts_max: 3,
        deadline: Duration::from_secs(5),
        ..RetryPolicy::default()
    };
    let store = RetryStore::new(inner, policy, Arc::new(SystemPace::new(1)));
    let key = Key::new("meta/HEAD").unwrap();
    store.put_if_match(&key, b"head", None).unwrap();
    drop(minio);
    let gone = store.get(&key).unwrap_err().kind;
    assert!(
        matches!(gone, ErrorKind::Unavailable | ErrorKind::Timeout),
        "{gone:?}"
    );
}
