//! From a URL to a store.
//!
//! Must not know credentials: a URL ends up in logs and in `ps`, so secrets in it are refused.

use std::path::Path;
use std::sync::Arc;

use crate::dir::DirStore;
use crate::memory::MemoryStore;
use crate::{Error, ErrorKind, ObjectStore, Op, Result};

/// Opens the store that `url` names: `dir:PATH`, `mem:`, or
/// `s3://BUCKET/PREFIX?endpoint=URL&region=NAME&addressing=path|virtual` (with retries in front).
///
/// # Errors
/// `Invalid` when the URL cannot be read, naming what is wrong; `Unsupported` when this build has no such store;
/// what opening the store itself answers.
pub fn open(url: &str) -> Result<Arc<dyn ObjectStore>> {
    if let Some(path) = url.strip_prefix("dir:") {
        if path.is_empty() {
            return Err(invalid(url, "the directory is missing; write dir:PATH"));
        }
        return Ok(Arc::new(DirStore::open(Path::new(path))?));
    }
    if url == "mem:" {
        return Ok(Arc::new(MemoryStore::new()));
    }
    if url.starts_with("s3://") {
        return open_s3(url);
    }
    Err(invalid(url, &unknown_scheme(url)))
}

#[cfg(feature = "s3")]
fn open_s3(url: &str) -> Result<Arc<dyn ObjectStore>> {
    use std::hash::{BuildHasher, RandomState};

    use crate::retry::{RetryPolicy, RetryStore, SystemPace};
    use crate::s3::{S3Options, S3Store};

    let store = Arc::new(S3Store::new(S3Options::from_url(url)?)?);
    // The standard library's only source of random bits; all that jitter needs is that processes differ.
    let seed = RandomState::new().hash_one(std::process::id());
    let pace = Arc::new(SystemPace::new(seed));
    Ok(Arc::new(RetryStore::new(store, RetryPolicy::default(), pace)))
}

#[cfg(not(feature = "s3"))]
fn open_s3(_url: &str) -> Result<Arc<dyn ObjectStore>> {
    Err(Error::new(ErrorKind::Unsupported, Op::Open)
        .at("s3:")
        .because("this build has no s3 client"))
}

fn unknown_scheme(url: &str) -> String {
    let known = "a store is dir:PATH or s3://BUCKET/PREFIX";
    match url.split_once(':') {
        Some((scheme, _)) if is_scheme(scheme) => format!("the scheme {scheme} is not known; {known}"),
        _ => format!("the scheme is missing; {known}"),
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+')
}

fn invalid(url: &str, why: &str) -> Error {
    // Only the scheme: what follows may be a secret that was put into the wrong place.
    let shown = match url.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => {
            format!("{scheme}:{}", if rest.is_empty() { "" } else { "..." })
        }
        _ => "...".to_owned(),
    };
    Error::new(ErrorKind::Invalid, Op::Open).at(shown).advise(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_known_scheme_is_refused_by_that_scheme_and_not_repeated() {
        for (url, why) in [
            ("ftp://user:hunter2@host", "the scheme ftp is not known"),
            ("/var/hunter2", "the scheme is missing"),
            ("hunter2", "the scheme is missing"),
            ("dir:", "the directory is missing"),
        ] {
            let error = open(url).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid, "{url}");
            let told = error.to_string();
            assert!(told.contains(why) && !told.contains("hunter2"), "{told}");
        }
    }
}
