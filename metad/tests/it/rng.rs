//! Seeds, and numbers drawn from them.

/// SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() {
            None
        } else {
            from.get(self.below(from.len()))
        }
    }
}

/// The seed of a run: given in `name`, or fresh.
pub(crate) fn seed(name: &str) -> u64 {
    if let Some(given) = number(name) {
        return given;
    }
    let now = std::time::UNIX_EPOCH.elapsed().unwrap();
    now.as_nanos() as u64 ^ u64::from(std::process::id())
}

/// The size of a run: given in `name`, or the least that every run makes.
pub(crate) fn size(name: &str, least: u64) -> u64 {
    number(name).unwrap_or(least)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}
