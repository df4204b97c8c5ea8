//! Listing, for repair tools.

use super::{Case, Outcome, Subject, ensure, refused, told};
use crate::{ErrorKind, Key};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "listings-are-complete-sorted-and-sized",
        check: sorted,
    },
    Case {
        name: "listings-continue-after-any-name",
        check: pages,
    },
];

/// In byte order; a dash and a dot sort before the slash that a folder has.
const NAMES: [&str; 10] = [
    "a",
    "a-b/x",
    "a.b",
    "ab/c",
    "ab/c-d",
    "ab/d/e",
    "ab/d/f",
    "b/00",
    "b/0a",
    "b/ff/last",
];

fn fill(on: &Subject<'_>) -> Result<Vec<Key>, String> {
    // Not in order, so that an order cannot come from the order of creation.
    for index in (0..NAMES.len()).map(|n| (n * 7) % NAMES.len()) {
        on.given(NAMES[index], &vec![0; index])?;
    }
    NAMES.iter().map(|name| on.key(name)).collect()
}

fn sorted(on: &Subject<'_>) -> Outcome {
    let keys = fill(on)?;
    let listed = told(on.store.list(&on.prefix(), None, 100))?;
    let names: Vec<&Key> = listed.iter().map(|entry| &entry.key).collect();
    ensure!(names == keys.iter().collect::<Vec<_>>(), "listed {names:?}");
    for (index, entry) in listed.iter().enumerate() {
        ensure!(
            entry.size_bytes == index as u64,
            "{:?} has {} bytes",
            entry.key,
            entry.size_bytes
        );
    }
    // A prefix is one of the text, not of a folder.
    let part = told(on.store.list(&format!("{}ab/c", on.prefix()), None, 100))?;
    ensure!(
        part.iter().map(|entry| &entry.key).eq(&keys[4 - 1..5]),
        "part of a name lists {part:?}"
    );
    ensure!(
        told(on.store.list(&format!("{}zz", on.prefix()), None, 100))?.is_empty(),
        "nothing is listed"
    );
    refused(on.store.list(&on.prefix(), None, 0), ErrorKind::Invalid)?;
    told(on.store.delete(&keys))?;
    ensure!(
        told(on.store.list(&on.prefix(), None, 1))?.is_empty(),
        "deleted names are listed"
    );
    Ok(())
}

fn pages(on: &Subject<'_>) -> Outcome {
    let keys = fill(on)?;
    for limit in [1, 3, 9, 10, 11] {
        let mut listed: Vec<Key> = Vec::new();
        loop {
            let page = told(on.store.list(&on.prefix(), listed.last(), limit))?;
            ensure!(
                page.len() <= limit,
                "{} names where {limit} were asked for",
                page.len()
            );
            let end = page.len() < limit;
            listed.extend(page.into_iter().map(|entry| entry.key));
            ensure!(listed.len() <= keys.len(), "names are repeated: {listed:?}");
            if end {
                break;
            }
        }
        ensure!(listed == keys, "in pages of {limit}: {listed:?}");
    }
    let between = on.key("ab/c-")?;
    let after = told(on.store.list(&on.prefix(), Some(&between), 100))?;
    ensure!(
        after.iter().map(|entry| &entry.key).eq(&keys[4..]),
        "after {between:?}: {after:?}"
    );
    told(on.store.delete(&keys))
}
