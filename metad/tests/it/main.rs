//! The engine from outside.

mod clock;
mod crash;
mod damage;
mod lifecycle;
mod model;
mod points;
mod ring;
mod rng;
mod script;
mod world;
