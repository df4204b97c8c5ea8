//! The engine from outside.

mod lifecycle;
mod world;
