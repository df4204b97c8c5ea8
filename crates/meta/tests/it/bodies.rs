//! Bodies and objects, with objects that are byte arrays of the test.

mod clones;
mod model;
mod objects;
mod publish;
mod reservations;
mod sparse;
mod staged;
mod support;
mod write;
