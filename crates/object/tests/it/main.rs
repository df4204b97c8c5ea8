//! One test program.
