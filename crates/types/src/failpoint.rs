//! Named failpoints: places between two externally visible effects where a test can make the process die or fail.
//!
//! Owns: the registry of armed points and the counters of hits. Must not know what a point stands for.
//! Names are `crate.step`, for example `store.manifest.rename`, and are hit just *before* the effect.
//!
//! Without the feature `failpoints` every function here is an empty inline, and the names leave no trace
//! in the program. With it:
//! * points are armed per [`Scope`], so that tests running side by side do not meet each other's faults;
//!   a component takes [`scope`] when it is opened and enters it on threads that are not its own;
//! * [`Action::Crash`] kills a scope: that hit and every later one in the scope answers an error, so no
//!   effect that is guarded by a point can happen any more, as if the process had died there;
//! * a child process arms its points by the variable `NOKV_FAILPOINTS`, `name=action@k` joined by `;`,
//!   where action is `crash`, `abort`, `eio`, `enospc` or `short` and k counts hits from 1.

use std::io;

#[cfg(feature = "failpoints")]
mod armed;

#[cfg(feature = "failpoints")]
pub use armed::{Action, Report, arm, arm_from, disarm, hits, isolate, report, seeded};

/// The set of armed points that a thread sees; zero-sized without the feature.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    #[cfg(feature = "failpoints")]
    id: u64,
}

/// Puts the thread back into the scope it was in.
#[derive(Debug)]
pub struct Entered {
    #[cfg(feature = "failpoints")]
    previous: Scope,
}

/// The scope of the calling thread.
#[inline]
#[cfg_attr(not(feature = "failpoints"), allow(clippy::missing_const_for_fn))]
pub fn scope() -> Scope {
    #[cfg(feature = "failpoints")]
    return armed::current();
    #[cfg(not(feature = "failpoints"))]
    Scope {}
}

impl Scope {
    /// Makes this the scope of the calling thread until the answer is dropped.
    #[inline]
    #[must_use = "the scope is left when the guard is dropped"]
    pub fn enter(self) -> Entered {
        #[cfg(feature = "failpoints")]
        return Entered {
            previous: armed::swap(self),
        };
        #[cfg(not(feature = "failpoints"))]
        Entered {}
    }
}

#[cfg(feature = "failpoints")]
impl Drop for Entered {
    fn drop(&mut self) {
        armed::swap(self.previous);
    }
}

/// Passes the point `name`, or fails as armed.
///
/// # Errors
/// The armed fault: EIO, ENOSPC, or an error that [`is_crash`] knows.
#[inline]
pub fn hit(name: &'static str) -> io::Result<()> {
    #[cfg(feature = "failpoints")]
    armed::hit(name)?;
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
    Ok(())
}

/// Passes the point `name` before a write of `len` bytes; `Some(n)` asks the caller to write only the
/// first `n` of them and then to fail with [`short_write`].
///
/// # Errors
/// As [`hit`].
#[inline]
pub fn hit_write(name: &'static str, len: usize) -> io::Result<Option<usize>> {
    #[cfg(feature = "failpoints")]
    return armed::hit_write(name, len);
    #[cfg(not(feature = "failpoints"))]
    {
        let _ = (name, len);
        Ok(None)
    }
}

/// The error of a write that stopped before its end.
pub fn short_write(name: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::WriteZero, format!("short write at {name}"))
}

/// Whether `error` (or what caused it) stands for the death of the process at a point.
pub fn is_crash(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<Crashed>() {
            return true;
        }
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref)
            && inner.is::<Crashed>()
        {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The marker of a simulated death: the process ended at `point`.
#[derive(Debug, thiserror::Error)]
#[error("the process died at failpoint {point}")]
pub struct Crashed {
    /// The point that killed the scope.
    pub point: &'static str,
}
