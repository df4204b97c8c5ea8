//! Placeholder until the first commit of the vocabulary.

pub mod failpoint;
