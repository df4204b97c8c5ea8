//! Tests of the store as a whole: the conformance suite on both implementations, reopening, crashes, damage.

mod conformance;
