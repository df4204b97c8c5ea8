//! When an operation on the object store is tried again, and how long it waits before that.

use crate::{Error, ErrorKind, Result};
use nokv_types::Retry;
use std::time::Duration;

/// Most tries of one operation.
pub(crate) const TRIES_MAX: u32 = 6;
/// The wait before the second try; every further one is twice as long, up to [`PAUSE_MAX`].
pub(crate) const PAUSE_FIRST: Duration = Duration::from_millis(50);
/// The longest wait.
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Runs `operation` until it succeeds, fails for good or was tried [`TRIES_MAX`] times.
pub(crate) fn retrying<T>(pause: fn(Duration), mut operation: impl FnMut() -> Result<T>) -> Result<T> {
    let mut wait = PAUSE_FIRST;
    for _ in 1..TRIES_MAX {
        match operation() {
            Err(error) if is_passing(&error) => pause(wait),
            settled => return settled,
        }
        wait = (wait * 2).min(PAUSE_MAX);
    }
    operation()
}

/// Whether the same operation may succeed later.
pub(crate) fn is_passing(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Refused(refusal) => refusal.code.retry() == Retry::Same,
        ErrorKind::Unreachable(_) => true,
        ErrorKind::Local(_) | ErrorKind::Input(_) | ErrorKind::Stopped => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nokv_types::Code;

    fn no_pause(_: Duration) {}

    #[test]
    fn what_may_pass_is_tried_again_up_to_the_limit() {
        let mut tries = 0;
        let result: Result<()> = retrying(no_pause, || {
            tries += 1;
            Err(Error::refused(Code::Busy, "store"))
        });
        assert_eq!(result.unwrap_err().code(), Some(Code::Busy));
        assert_eq!(tries, TRIES_MAX);
    }

    #[test]
    fn what_will_not_pass_is_tried_once() {
        let mut tries = 0;
        let result: Result<()> = retrying(no_pause, || {
            tries += 1;
            Err(Error::refused(Code::Conflict, "object"))
        });
        assert_eq!(result.unwrap_err().code(), Some(Code::Conflict));
        assert_eq!(tries, 1);
    }

    #[test]
    fn a_later_success_is_a_success() {
        let mut tries = 0;
        let result = retrying(no_pause, || {
            tries += 1;
            if tries < 3 {
                Err(Error::refused(Code::Io, "disk"))
            } else {
                Ok(tries)
            }
        });
        assert_eq!(result.unwrap(), 3);
    }
}
