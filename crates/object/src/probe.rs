//! Does this store keep the promises that a commit log in it stands on?
//!
//! Owns: the checks that an operator and metad run before they trust a bucket. Some stores accept a conditional
//! header and ignore it; only trying shows.
//! Must not know the store, nor HTTP: whoever can send a signed URL passes a [`SignedHttp`].
//!
//! Invariants: everything lies under `meta/probe/<nonce>/` and is deleted again; an error is a broken check with
//! its reason, never a probe that stops.

mod checks;
mod signed;

use std::fmt;
use std::io;
use std::time::SystemTime;

use crate::{Key, ObjectStore, SignedUrl, layout};

/// Writers that race for one key.
pub const PROBE_RACERS: usize = 16;

/// One promise that is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// What was written is read by the next call.
    ReadAfterWrite,
    /// Creating what exists is refused and changes nothing.
    CreateOnly,
    /// Of 16 creators of one key exactly one wins, and its bytes stay.
    OneWinner,
    /// A swap from the current version succeeds.
    Swap,
    /// A swap from an older version is refused and changes nothing.
    StaleSwap,
    /// A range is exactly that range.
    Range,
    /// Bytes that do not have their checksum are refused.
    Checksum,
    /// Signed URLs read, and create once.
    SignedUrl,
    /// A signed URL is refused when its time is over.
    SignedUrlExpired,
    /// A signed URL is refused for another object.
    SignedUrlOtherKey,
    /// A signed URL is refused for bytes or a checksum other than the signed one.
    SignedUrlOtherBytes,
}

impl Check {
    /// Every check, in the order in which they run.
    pub const ALL: [Check; 11] = [
        Check::ReadAfterWrite,
        Check::CreateOnly,
        Check::OneWinner,
        Check::Swap,
        Check::StaleSwap,
        Check::Range,
        Check::Checksum,
        Check::SignedUrl,
        Check::SignedUrlExpired,
        Check::SignedUrlOtherKey,
        Check::SignedUrlOtherBytes,
    ];

    /// The name in reports, conditions and keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadAfterWrite => "read-after-write",
            Self::CreateOnly => "create-only",
            Self::OneWinner => "one-winner",
            Self::Swap => "swap",
            Self::StaleSwap => "stale-swap",
            Self::Range => "range",
            Self::Checksum => "checksum",
            Self::SignedUrl => "signed-url",
            Self::SignedUrlExpired => "signed-url-expired",
            Self::SignedUrlOtherKey => "signed-url-other-key",
            Self::SignedUrlOtherBytes => "signed-url-other-bytes",
        }
    }

    /// Whether the check needs signed URLs.
    pub fn is_signed(self) -> bool {
        self >= Self::SignedUrl
    }
}

/// What a check showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The promise is kept.
    Holds,
    /// The promise is broken, or could not be tried.
    Broken,
    /// The store signs nothing, or nobody can send a signed URL here.
    NotTried,
}

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was tried.
    pub check: Check,
    /// What came of it.
    pub verdict: Verdict,
    /// How it was broken, or why it was not tried; empty when it holds.
    pub detail: String,
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeReport {
    /// One finding per check, in order.
    pub findings: Vec<Finding>,
}

impl ProbeReport {
    /// Whether nothing is broken: a commit log may stand on this store.
    pub fn holds(&self) -> bool {
        self.broken().next().is_none()
    }

    /// What is broken.
    pub fn broken(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.verdict == Verdict::Broken)
    }
}

impl fmt::Display for ProbeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding {
            check,
            verdict,
            detail,
        } in &self.findings
        {
            let (word, colon) = match verdict {
                Verdict::Holds => ("holds", ""),
                Verdict::Broken => ("BROKEN", ": "),
                Verdict::NotTried => ("not tried", ": "),
            };
            writeln!(f, "{:<24}{word}{colon}{detail}", check.name())?;
        }
        Ok(())
    }
}

/// What a signed URL was answered.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Somebody who can send a signed URL: an HTTP client without credentials.
pub trait SignedHttp: Sync {
    /// Sends `signed` with its method and exactly its headers, and `body` when it is a `PUT`.
    ///
    /// # Errors
    /// When there is no answer.
    fn send(&self, signed: &SignedUrl, body: &[u8]) -> io::Result<HttpAnswer>;
}

/// What a probe needs.
#[derive(Clone, Copy)]
pub struct Probe<'a> {
    /// The store.
    pub store: &'a dyn ObjectStore,
    /// Keeps probes that run at once apart; random.
    pub nonce: u64,
    /// The time, for signed URLs.
    pub now: SystemTime,
    /// Who can send signed URLs, if anybody.
    pub http: Option<&'a dyn SignedHttp>,
}

impl fmt::Debug for Probe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("store", &self.store)
            .field("nonce", &self.nonce)
            .finish_non_exhaustive()
    }
}

/// `Err` says how a promise is broken.
type Tried = Result<(), String>;

impl Probe<'_> {
    /// Tries every promise.
    pub fn run(&self) -> ProbeReport {
        let report = ProbeReport {
            findings: Check::ALL.into_iter().map(|check| self.find(check)).collect(),
        };
        self.clean();
        report
    }

    fn find(&self, check: Check) -> Finding {
        if let Some(detail) = self.why_not(check) {
            return Finding {
                check,
                verdict: Verdict::NotTried,
                detail,
            };
        }
        match self.attempt(check) {
            Ok(()) => Finding {
                check,
                verdict: Verdict::Holds,
                detail: String::new(),
            },
            Err(detail) => Finding {
                check,
                verdict: Verdict::Broken,
                detail,
            },
        }
    }

    fn why_not(&self, check: Check) -> Option<String> {
        if !check.is_signed() {
            None
        } else if self.http.is_none() {
            Some("nobody here can send a signed url".to_owned())
        } else {
            signed::unsupported(self)
        }
    }

    fn attempt(&self, check: Check) -> Tried {
        match check {
            Check::ReadAfterWrite => checks::read_after_write(self),
            Check::CreateOnly => checks::create_only(self),
            Check::OneWinner => checks::one_winner(self),
            Check::Swap => checks::swap(self),
            Check::StaleSwap => checks::stale_swap(self),
            Check::Range => checks::range(self),
            Check::Checksum => checks::checksum(self),
            Check::SignedUrl => signed::honoured(self),
            Check::SignedUrlExpired => signed::expired(self),
            Check::SignedUrlOtherKey => signed::other_key(self),
            Check::SignedUrlOtherBytes => signed::other_bytes(self),
        }
    }

    /// The object of a check.
    fn key(&self, check: Check) -> Key {
        layout::probe(self.nonce, check)
    }

    fn clean(&self) {
        let keys: Vec<Key> = Check::ALL.into_iter().map(|check| self.key(check)).collect();
        // A store that does not delete has shown worse already; a leftover of a few bytes harms nothing.
        let _ = self.store.delete(&keys);
    }
}
