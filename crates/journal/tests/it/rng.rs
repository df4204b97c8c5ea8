//! A small seeded generator; a failing seed is printed by the test that used it and set by `NOKV_SEED`.

#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}

/// The seeds of a run: `NOKV_SEED` alone when it is set, else `count` from 1, as many times as `NOKV_SEEDS_TIMES`
/// says.
pub(crate) fn seeds(count: u64) -> Vec<u64> {
    match number("NOKV_SEED") {
        Some(seed) => vec![seed],
        None => (1..=count * times("NOKV_SEEDS_TIMES")).collect(),
    }
}

/// How many times as large as in CI a run is.
pub(crate) fn times(name: &str) -> u64 {
    number(name).unwrap_or(1).max(1)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}
