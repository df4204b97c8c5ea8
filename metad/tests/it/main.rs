//! The engine from outside.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the pieces that tests share fail as tests do"
)]

mod clock;
mod copies;
mod corruption;
mod crash;
mod damage;
mod fatal;
mod faults;
mod full;
mod holds;
mod kill;
mod lifecycle;
mod load;
mod model;
mod moments;
mod objects;
mod points;
mod power;
mod readers;
mod ring;
mod rng;
mod script;
mod spoiled;
mod syscalls;
mod twice;
mod wait;
mod world;
