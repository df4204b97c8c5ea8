//! From a URL to a store.
//!
//! Must not know credentials: a URL ends up in logs and in `ps`, so secrets in it are refused.

use std::path::Path;
use std::sync::Arc;

use crate::dir::DirStore;
use crate::memory::MemoryStore;
use crate::{Error, ErrorKind, ObjectStore, Op, Result};

/// Opens the store that `url` names: `dir:PATH`, `mem:`, or
/// `s3://BUCKET/PREFIX?endpoint=URL&region=NAME&addressing=path|virtual`.
///
/// # Errors
/// `Invalid` when the URL cannot be read, naming what is wrong; `Unsupported` when this build has no such store;
/// what opening the store itself answers.
pub fn open(url: &str) -> Result<Arc<dyn ObjectStore>> {
    if let Some(path) = url.strip_prefix("dir:") {
        if path.is_empty() {
            return Err(invalid(url, "the directory is missing: dir:PATH"));
        }
        return Ok(Arc::new(DirStore::open(Path::new(path))?));
    }
    if url == "mem:" {
        return Ok(Arc::new(MemoryStore::new()));
    }
    if url.starts_with("s3://") {
        return open_s3(url);
    }
    Err(invalid(url, "a store is dir:PATH, mem: or s3://BUCKET/PREFIX"))
}

fn open_s3(url: &str) -> Result<Arc<dyn ObjectStore>> {
    let shown = url.split('?').next().unwrap_or_default();
    Err(Error::new(ErrorKind::Unsupported, Op::Open)
        .at(shown)
        .because("this build has no s3 client"))
}

fn invalid(url: &str, why: &'static str) -> Error {
    // Only the scheme: what follows may be a secret that was put into the wrong place.
    let shown = url.split_once(':').map_or("", |(scheme, _)| scheme);
    Error::new(ErrorKind::Invalid, Op::Open)
        .at(format!("{shown}:"))
        .because(why)
}
