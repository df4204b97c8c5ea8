//! The registry behind the feature `failpoints`.

use super::{Crashed, Scope};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// What happens at an armed hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The scope dies here: this and all later hits in it fail with [`Crashed`].
    Crash,
    /// The process aborts (for child processes).
    Abort,
    /// This one hit fails with EIO.
    Eio,
    /// This one hit fails with ENOSPC.
    Enospc,
    /// A write stops half way and fails; at a point without a write it is EIO.
    Short,
}

/// How often a point was hit, and how often its fault fired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Passes through the point, faults included.
    pub hits: u64,
    /// Faults that fired.
    pub fired: u64,
}

#[derive(Default)]
struct Points {
    armed: BTreeMap<&'static str, (u64, Action)>,
    counts: BTreeMap<&'static str, Report>,
    dead: Option<&'static str>,
}

static POINTS: Mutex<BTreeMap<u64, Points>> = Mutex::new(BTreeMap::new());
static NEXT_SCOPE: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
static ENVIRONMENT: Once = Once::new();

thread_local! {
    static CURRENT: Cell<u64> = const { Cell::new(0) };
}

fn points() -> MutexGuard<'static, BTreeMap<u64, Points>> {
    POINTS.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn current() -> Scope {
    Scope { id: CURRENT.get() }
}

pub(super) fn swap(scope: Scope) -> Scope {
    Scope {
        id: CURRENT.replace(scope.id),
    }
}

/// Moves the calling thread into a scope of its own, with nothing armed; [`Scope::enter`] it on other threads.
pub fn isolate() -> Scope {
    let id = NEXT_SCOPE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    CURRENT.set(id);
    Scope { id }
}

/// Arms `name` in the thread's scope: its `k`-th hit from now on (counted from 1) does `action`.
pub fn arm(name: &'static str, k: u64, action: Action) {
    let mut scopes = points();
    let scope = scopes.entry(CURRENT.get()).or_default();
    let so_far = scope.counts.get(name).map_or(0, |count| count.hits);
    scope.armed.insert(name, (so_far + k.max(1), action));
}

/// Disarms every point of the thread's scope, forgets the counters and brings a dead scope back.
pub fn disarm() {
    points().remove(&CURRENT.get());
}

/// How often `name` was hit in the thread's scope.
pub fn hits(name: &'static str) -> u64 {
    let scopes = points();
    let scope = scopes.get(&CURRENT.get());
    scope
        .and_then(|scope| scope.counts.get(name))
        .map_or(0, |count| count.hits)
}

/// Every point that the thread's scope has met, with its counters: the hit table of a run.
pub fn report() -> BTreeMap<&'static str, Report> {
    points()
        .get(&CURRENT.get())
        .map(|scope| scope.counts.clone())
        .unwrap_or_default()
}

/// A hit number in `1..=max` drawn from `seed`, so that a run is replayed by its seed.
pub fn seeded(seed: u64, name: &str, max: u64) -> u64 {
    let mut mixed = seed ^ 0x9E37_79B9_7F4A_7C15;
    for byte in name.bytes() {
        mixed = (mixed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    mixed ^= mixed >> 29;
    1 + mixed.wrapping_mul(0xBF58_476D_1CE4_E5B9) % max.max(1)
}

/// Arms the points of `list` (the form of `NOKV_FAILPOINTS`) in the thread's scope.
///
/// # Errors
/// The part that cannot be read.
pub fn arm_from(list: &str) -> Result<(), String> {
    for part in list.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, rest) = part.split_once('=').ok_or_else(|| part.to_owned())?;
        let (action, k) = rest.split_once('@').unwrap_or((rest, "1"));
        let action = match action {
            "crash" => Action::Crash,
            "abort" => Action::Abort,
            "eio" => Action::Eio,
            "enospc" => Action::Enospc,
            "short" => Action::Short,
            _ => return Err(part.to_owned()),
        };
        let k = k.parse().map_err(|_| part.to_owned())?;
        // Names live as long as the process: a test arms a handful of them.
        arm(Box::leak(name.to_owned().into_boxed_str()), k, action);
    }
    Ok(())
}

/// Counts a hit and answers the fault that fires at it; a dead scope fails before it counts.
fn fire(name: &'static str) -> io::Result<Option<Action>> {
    ENVIRONMENT.call_once(|| {
        if let Ok(list) = std::env::var("NOKV_FAILPOINTS") {
            let _process_wide = Scope::default().enter();
            if arm_from(&list).is_err() {
                // A run that injects nothing by a typing mistake must not pass.
                std::process::abort();
            }
        }
    });
    let mut scopes = points();
    let scope = scopes.entry(CURRENT.get()).or_default();
    if let Some(point) = scope.dead {
        return Err(io::Error::other(Crashed { point }));
    }
    let count = scope.counts.entry(name).or_default();
    count.hits += 1;
    let Some(action) = scope
        .armed
        .get(name)
        .filter(|(k, _)| *k == count.hits)
        .map(|(_, action)| *action)
    else {
        return Ok(None);
    };
    count.fired += 1;
    match action {
        Action::Crash => {
            scope.dead = Some(name);
            Err(io::Error::other(Crashed { point: name }))
        }
        Action::Abort => std::process::abort(),
        Action::Eio => Err(io::Error::from_raw_os_error(5)),
        Action::Enospc => Err(io::Error::from_raw_os_error(28)),
        Action::Short => Ok(Some(Action::Short)),
    }
}

pub(super) fn hit(name: &'static str) -> io::Result<()> {
    match fire(name)? {
        Some(Action::Short) => Err(io::Error::from_raw_os_error(5)),
        _ => Ok(()),
    }
}

pub(super) fn hit_write(name: &'static str, len: usize) -> io::Result<Option<usize>> {
    Ok(fire(name)?.map(|_| len / 2))
}

#[cfg(test)]
mod tests {
    use super::super::{hit, hit_write, is_crash};
    use super::*;

    #[test]
    fn the_kth_hit_fails_and_the_others_pass() {
        isolate();
        arm("types.test.kth", 3, Action::Eio);
        assert!(hit("types.test.kth").is_ok());
        assert!(hit("types.test.kth").is_ok());
        assert_eq!(hit("types.test.kth").unwrap_err().raw_os_error(), Some(5));
        assert!(hit("types.test.kth").is_ok());
        assert_eq!(report()["types.test.kth"], Report { hits: 4, fired: 1 });
    }

    #[test]
    fn after_a_crash_nothing_of_the_scope_happens_on_any_thread() {
        let scope = isolate();
        arm("types.test.crash", 1, Action::Crash);
        assert!(is_crash(&hit("types.test.crash").unwrap_err()));
        let elsewhere = std::thread::spawn(move || {
            let _in = scope.enter();
            hit("types.test.other")
        });
        assert!(is_crash(&elsewhere.join().unwrap().unwrap_err()));
        isolate();
        assert!(hit("types.test.other").is_ok());
    }

    #[test]
    fn a_short_write_asks_for_a_part() {
        isolate();
        arm("types.test.short", 1, Action::Short);
        assert_eq!(hit_write("types.test.short", 100).unwrap(), Some(50));
        assert_eq!(hit_write("types.test.short", 100).unwrap(), None);
    }

    #[test]
    fn a_list_arms_points_and_names_what_it_cannot_read() {
        isolate();
        arm_from("types.test.a=enospc@2; types.test.b=crash").unwrap();
        assert!(hit("types.test.a").is_ok());
        assert_eq!(hit("types.test.a").unwrap_err().raw_os_error(), Some(28));
        assert_eq!(
            arm_from("types.test.c=explode").unwrap_err(),
            "types.test.c=explode"
        );
    }

    #[test]
    fn seeded_hit_numbers_repeat_and_stay_in_range() {
        for seed in 0..200 {
            let k = seeded(seed, "store.manifest.rename", 7);
            assert!((1..=7).contains(&k));
            assert_eq!(k, seeded(seed, "store.manifest.rename", 7));
        }
    }
}
