//! What the adapter costs against the bare tree, and what a publish stalls: `cargo run --release --example engine_rate -- MODE`.
//!
//! * `rate [FILES] [BATCH]`: creates (2 rows each), gets, scans, publish, memory, disk, reopen; bare tree beside ours
//! * `creates [FILES] [BATCH]`: creates of bare trees and of ours in turns
//! * `gets [FILES]`: gets of the bare tree and of ours in turns
//! * `shrink [FILES]`: deletes 90 % and then all of the files, compacts, and shows what frames and disk are left
//! * `emptied [FILES]`: deletes all of the files and times scans that find nothing
//! * `stall [FILES] [RATE]`: creates offered at a fixed rate during publishes with 100 % and 1 % of the frames dirty

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a harness measures time and stops at the first error"
)]

mod emptied;
mod rate;
mod rows;
mod shrink;
mod stall;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| args.get(at).map_or(default, |text| text.parse().unwrap());
    match args.first().map_or("rate", String::as_str) {
        "gets" => rate::gets(number(1, 1_000_000)),
        "creates" => rate::creates(number(1, 1_000_000), number(2, 128)),
        "shrink" => shrink::run(number(1, 1_000_000)),
        "emptied" => emptied::run(number(1, 1_000_000)),
        "stall" => stall::run(number(1, 1_000_000), number(2, 20_000)),
        _ => rate::run(number(1, 1_000_000), number(2, 128)),
    }
}
