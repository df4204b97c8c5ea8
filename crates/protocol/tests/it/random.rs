//! What is written is read as it was, whatever the values are.

use crate::draw::Draw;
use crate::golden::{frames, read_and_write};
use crate::samples::{self, with_frame};
use nokv_protocol::limits::FRAME_BYTES_MAX;
use nokv_protocol::{Answers, Call, Hello, Notice, Push, Refused, Welcome};

/// Seeds of one run.
const SEEDS: u64 = 60;

fn seeds() -> impl Iterator<Item = u64> {
    let base = std::env::var("NOKV_PROTOCOL_SEED").map_or_else(
        |_| std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64,
        |text| text.parse().unwrap(),
    );
    println!("NOKV_PROTOCOL_SEED={base}");
    (0..SEEDS).map(move |at| base.wrapping_add(at))
}

macro_rules! come_back {
    ($seed:ident, $samples:expr, $decode:path, |$value:ident, $out:ident| $encode:expr) => {
        for $value in $samples {
            let mut bytes = Vec::new();
            let $out = &mut bytes;
            $encode.unwrap();
            let read = with_frame(&bytes, $decode);
            assert_eq!(read.as_ref(), Ok(&$value), "seed {}", $seed);
        }
    };
}

#[test]
fn values_of_every_message_come_back() {
    for seed in seeds() {
        let draw = &mut Draw::Random(seed);
        let max = FRAME_BYTES_MAX;
        come_back!(seed, samples::hellos(draw), Hello::decode, |value, out| value
            .encode(1, out));
        come_back!(seed, samples::welcomes(draw), Welcome::decode, |value, out| value
            .encode(2, out));
        come_back!(seed, samples::refuseds(draw), Refused::decode, |value, out| value
            .encode(3, out));
        come_back!(seed, samples::answers(draw), Answers::decode, |value, out| value
            .encode(4, max, out));
        come_back!(seed, samples::pushes(draw), Push::decode, |value, out| value
            .encode(max, out));
        come_back!(seed, samples::notices(draw), Notice::decode, |value, out| value
            .encode(max, out));
        let ops = samples::ops(draw);
        let calls = [samples::call(draw, ops)];
        come_back!(seed, calls, Call::decode, |value, out| value.encode(5, max, out));
    }
}

#[test]
fn there_is_one_way_to_write_a_value() {
    for seed in seeds() {
        for (name, bytes) in frames(&mut Draw::Random(seed)) {
            assert_eq!(read_and_write(&bytes), Ok(bytes), "{name}, seed {seed}");
        }
    }
}

#[test]
fn no_message_is_read_from_a_part_of_it_or_with_more_behind_it() {
    for (name, bytes) in frames(&mut Draw::Ascending(0)) {
        with_frame(&bytes, |frame| {
            let mut longer = frame.body.to_vec();
            longer.push(0);
            let cuts = (0..frame.body.len()).map(|len| &frame.body[..len]);
            for body in cuts.chain([longer.as_slice()]) {
                let part = nokv_protocol::Frame { body, ..*frame };
                assert!(!crate::fuzz::is_taken(&part), "{name}: {} bytes", body.len());
            }
        });
    }
}
