//! A real server behind a network that breaks: everything is resolved or reported, nothing is half there.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use nokv_object::retry::{RetryPolicy, RetryStore, SystemPace};
use nokv_object::s3::{S3Options, S3Store};
use nokv_object::{ErrorKind, Key, ObjectStore, PutOutcome, SplitMix};
use nokv_testkit::minio::Minio;
use nokv_testkit::s3_proxy::{ProxyFault, S3Proxy};

use crate::minio::{options, start};
use crate::pace::seed;

/// Faults after which the client has an answer or a closed connection.
const QUICK: [ProxyFault; 6] = [
    ProxyFault::SlowDown,
    ProxyFault::InternalError,
    ProxyFault::CutBefore,
    ProxyFault::CutRequest,
    ProxyFault::CutAnswer,
    ProxyFault::LostAnswer,
];
/// How long a request may take here; silence is ended by it, and it is far above what loopback needs.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

struct Rig {
    proxy: S3Proxy,
    plain: Arc<S3Store>,
    store: RetryStore,
    /// Ends last: the proxy's conversations are with it.
    _minio: Minio,
}

fn rig() -> Rig {
    let minio = start();
    let proxy = S3Proxy::start(minio.port()).unwrap();
    let options = S3Options {
        request_timeout: REQUEST_TIMEOUT,
        ..options(&minio, proxy.endpoint())
    };
    let plain = Arc::new(S3Store::new(options).unwrap());
    let policy = RetryPolicy {
        attempts_max: 12,
        tokens_max: u32::MAX,
        ..RetryPolicy::default()
    };
    let store = RetryStore::new(plain.clone(), policy, Arc::new(SystemPace::new(3)));
    Rig {
        proxy,
        plain,
        store,
        _minio: minio,
    }
}

fn create(store: &dyn ObjectStore, key: &Key, bytes: &[u8]) -> nokv_object::Result<PutOutcome> {
    store.put_if_absent(key, bytes, crc32c::crc32c(bytes))
}

fn key(name: &str) -> Key {
    Key::new(format!("data/00/{name}")).unwrap()
}

#[test]
fn every_way_to_break_a_put_is_resolved_to_what_happened() {
    let rig = rig();
    let body = vec![7; 300_000];
    for fault in QUICK.into_iter().chain([ProxyFault::Silence]) {
        let name = key(&format!("{fault:?}"));
        rig.proxy.script("PUT", fault);
        assert_eq!(
            create(&rig.store, &name, &body).unwrap(),
            PutOutcome::Created,
            "{fault:?}"
        );
        assert_eq!(rig.store.get(&name).unwrap().bytes, body, "{fault:?}");
        assert_eq!(rig.proxy.injected(fault), 1, "{fault:?}");
        let theirs = key(&format!("{fault:?}-theirs"));
        create(&rig.store, &theirs, b"theirs").unwrap();
        rig.proxy.script("PUT", fault);
        assert_eq!(
            create(&rig.store, &theirs, &body).unwrap(),
            PutOutcome::AlreadyExists,
            "{fault:?}"
        );
        assert_eq!(rig.store.get(&theirs).unwrap().bytes, b"theirs", "{fault:?}");
    }
    assert_eq!(rig.proxy.waiting(), 0);
}

#[test]
fn every_way_to_break_a_swap_is_resolved_to_what_happened() {
    let rig = rig();
    let register = Key::new("meta/HEAD").unwrap();
    let mut etag = rig.store.put_if_match(&register, b"start", None).unwrap();
    for fault in QUICK {
        let body = format!("{fault:?}").into_bytes();
        let old = etag.clone();
        rig.proxy.script("PUT", fault);
        etag = rig.store.put_if_match(&register, &body, Some(&old)).unwrap();
        let now = rig.store.get(&register).unwrap();
        assert_eq!((now.bytes, now.etag), (body, etag.clone()), "{fault:?}");
        rig.proxy.script("PUT", fault);
        let stale = rig
            .store
            .put_if_match(&register, b"stale", Some(&old))
            .unwrap_err();
        assert_eq!(stale.kind, ErrorKind::Precondition, "{fault:?}");
    }
    assert_eq!(rig.store.get(&register).unwrap().etag, etag);
}

#[test]
fn every_way_to_break_a_read_or_a_deletion_is_resolved() {
    let rig = rig();
    let body: Vec<u8> = (0..500_000_u32).map(|i| (i % 253) as u8).collect();
    let name = key("read");
    create(&rig.store, &name, &body).unwrap();
    for fault in QUICK {
        rig.proxy.script("GET", fault);
        assert_eq!(rig.store.get(&name).unwrap().bytes, body, "{fault:?}");
        rig.proxy.script("GET", fault);
        assert_eq!(
            rig.store.get_range(&name, 1000, 400_000).unwrap(),
            body[1000..401_000],
            "{fault:?}"
        );
        rig.proxy.script("HEAD", fault);
        assert_eq!(
            rig.store.head(&name).unwrap().unwrap().size_bytes,
            500_000,
            "{fault:?}"
        );
        rig.proxy.script("GET", fault);
        assert_eq!(rig.store.list("data/", None, 10).unwrap().len(), 1, "{fault:?}");
        let gone = key("gone");
        create(&rig.store, &gone, b"x").unwrap();
        rig.proxy.script("POST", fault);
        rig.store.delete(slice::from_ref(&gone)).unwrap();
        assert!(rig.store.head(&gone).unwrap().is_none(), "{fault:?}");
        assert_eq!(rig.proxy.injected(fault), 5, "{fault:?}");
    }
}

#[test]
fn without_retries_each_fault_has_the_kind_that_tells_whether_it_may_have_happened() {
    let rig = rig();
    let name = key("kinds");
    let put = |fault| {
        rig.proxy.script("PUT", fault);
        create(rig.plain.as_ref(), &name, b"x").unwrap_err().kind
    };
    assert_eq!(put(ProxyFault::SlowDown), ErrorKind::Throttled);
    assert_eq!(put(ProxyFault::InternalError), ErrorKind::OutcomeUnknown);
    assert_eq!(put(ProxyFault::CutBefore), ErrorKind::OutcomeUnknown);
    assert_eq!(put(ProxyFault::LostAnswer), ErrorKind::OutcomeUnknown);
    assert_eq!(
        create(rig.plain.as_ref(), &name, b"x").unwrap(),
        PutOutcome::AlreadyExists
    );
    let get = |fault| {
        rig.proxy.script("GET", fault);
        rig.plain.get(&name).unwrap_err().kind
    };
    assert_eq!(get(ProxyFault::SlowDown), ErrorKind::Throttled);
    assert_eq!(get(ProxyFault::InternalError), ErrorKind::Unavailable);
    assert_eq!(get(ProxyFault::CutAnswer), ErrorKind::Unavailable);
    assert_eq!(get(ProxyFault::LostAnswer), ErrorKind::Unavailable);
    assert_eq!(rig.proxy.waiting(), 0);
}

#[test]
fn a_put_that_arrives_after_its_deletion_is_unknown_before_and_deletable_after() {
    let rig = rig();
    let name = key("late");
    rig.proxy.script("PUT", ProxyFault::LateRequest);
    let unknown = create(rig.plain.as_ref(), &name, b"late").unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::OutcomeUnknown);
    rig.store.delete(slice::from_ref(&name)).unwrap();
    assert!(rig.store.head(&name).unwrap().is_none());
    rig.proxy.land_late();
    assert_eq!(rig.store.get(&name).unwrap().bytes, b"late");
    rig.store.delete(slice::from_ref(&name)).unwrap();
    assert!(rig.store.head(&name).unwrap().is_none());
}

#[test]
fn a_random_storm_leaves_exactly_what_was_acknowledged() {
    let rig = rig();
    let seed = seed();
    let mut rng = SplitMix::new(seed);
    for round in 0..60 {
        let name = key(&format!("storm-{round:02}"));
        let body = vec![round; 1000 + rng.below(100_000) as usize];
        for _ in 0..rng.below(4) {
            rig.proxy
                .script("PUT", QUICK[rng.below(QUICK.len() as u64) as usize]);
        }
        assert_eq!(
            create(&rig.store, &name, &body).unwrap(),
            PutOutcome::Created,
            "seed {seed} round {round}"
        );
        let stored = rig.plain.get(&name).unwrap().bytes;
        assert!(
            stored == body,
            "seed {seed} round {round}: {} bytes",
            stored.len()
        );
    }
    let injected: u64 = QUICK.iter().map(|&fault| rig.proxy.injected(fault)).sum();
    assert!(injected > 30, "only {injected} faults, seed {seed}");
    assert_eq!(
        rig.store.list("data/", None, 1000).unwrap().len(),
        60,
        "seed {seed}"
    );
}
