//! ENOSPC, EIO and short writes at every failpoint of a script: answered or fatal, never wrong.

use crate::points;
use crate::ring::{Fault, Run};
use crate::rng::{seed, size};
use nokv_types::failpoint::Action;
use std::collections::BTreeMap;
use std::sync::Mutex;

const STEPS: u32 = 60;
/// Runs side by side.
const THREADS: usize = 8;

#[test]
fn an_error_of_any_write_or_sync_is_answered_and_loses_nothing() {
    let base = seed("NOKV_FAULT_SEED");
    let every = size("NOKV_FAULT_EVERY", 3);
    println!("seed {base}");
    let hits = Run::all(base, STEPS, None).hits;
    let mut cases = Vec::new();
    for (i, point) in points::all().iter().enumerate() {
        let Some(seen) = hits.get(point).filter(|seen| seen.hits > 0) else {
            continue;
        };
        for (j, action) in [Action::Enospc, Action::Eio, Action::Short]
            .into_iter()
            .enumerate()
        {
            // Small runs take one action per point, full ones all.
            if ((i + j) as u64).is_multiple_of(every) {
                cases.push(Fault {
                    point,
                    k: 1 + base.wrapping_add(j as u64) % seen.hits,
                    action,
                });
            }
        }
    }
    let fired = Mutex::new(BTreeMap::new());
    let work = Mutex::new(cases.iter());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let next = work.lock().unwrap().next().copied();
                    let Some(fault) = next else { break };
                    println!("{fault:?}");
                    let outcomes = Run::all(base, STEPS, Some(fault));
                    let seen = outcomes.hits.get(fault.point).copied().unwrap_or_default();
                    *fired
                        .lock()
                        .unwrap()
                        .entry(format!("{:?}", fault.action))
                        .or_insert(0) += seen.fired;
                    assert!(outcomes.acknowledged > 0, "{fault:?}");
                }
            });
        }
    });
    let fired = fired.into_inner().unwrap();
    println!("{} cases, fired {fired:?}", cases.len());
    assert!(
        fired.values().sum::<u64>() as usize >= cases.len() / 2,
        "{fired:?}"
    );
}
