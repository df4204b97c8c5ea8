//! The names of all failpoints, read from the sources, so that none is forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

static POINTS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let metad = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = metad.parent().unwrap().join("crates");
    let mut found = BTreeSet::new();
    for dir in ["store", "journal", "object"].map(|name| crates.join(name).join("src")) {
        read_dir(&dir, &mut found);
    }
    read_dir(&metad.join("src"), &mut found);
    found
        .into_iter()
        .map(|name| &*Box::leak(name.into_boxed_str()))
        .collect()
});

/// Every failpoint of the crates that an engine is made of.
pub(crate) fn all() -> &'static [&'static str] {
    &POINTS
}

fn read_dir(dir: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_dir(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            read_source(&fs::read_to_string(&path).unwrap(), found);
        }
    }
}

/// Names in calls `hit("..")`, `hit_write("..")` and `point("..")`; tests have names of their own.
fn read_source(source: &str, found: &mut BTreeSet<String>) {
    let source = source
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    for call in ["hit(", "hit_write(", "point("] {
        for part in source.split(call).skip(1) {
            let name = part
                .trim_start()
                .strip_prefix('"')
                .and_then(|rest| rest.split('"').next());
            if let Some(name) = name.filter(|name| name.matches('.').count() >= 1) {
                found.insert(name.to_owned());
            }
        }
    }
}
