//! Object stores: where bodies, the shipped log and checkpoints lie.
//!
//! Owns: the trait [`ObjectStore`], its implementations (directory, memory, S3, and the decorators that inject
//! faults and retry), the layout of keys, the bucket probe and the conformance suite.
//! Must not know what is in an object, and nothing of the namespace: names and bytes only.
//!
//! Everything here blocks; no caller needs a runtime. Time and randomness come from the caller.

mod checks;
#[cfg(feature = "testing")]
pub mod conformance;
pub mod dir;
mod error;
pub mod faulty;
mod key;
pub mod layout;
pub mod memory;
mod open;
mod parallel;
pub mod probe;
pub mod retry;
mod rng;
#[cfg(feature = "s3")]
pub mod s3;
mod store;

pub use error::{Error, ErrorKind, Op, Result};
pub use key::{KEY_BYTES_MAX, KEY_PART_BYTES_MAX, Key};
pub use open::open;
pub use rng::SplitMix;
pub use store::{
    ETag, LIST_LIMIT_MAX, Listed, OBJECT_BYTES_MAX, Object, ObjectMeta, ObjectStore, Put, PutOutcome,
    SIGN_LIFE_MAX, SignMethod, SignRequest, SignedUrl,
};
