//! Fuzzing on stable Rust: a target is a function of bytes that must not panic; the inputs are a corpus of good ones
//! and seeded mutations of it.
//!
//! Owns: the mutations, the seed, and what is printed when a target panics. Must not know what the bytes mean.
//! A run is replayed by `NOKV_FUZZ_SEED`, and made longer by `NOKV_FUZZ_ROUNDS`.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Environment variable with the seed of a run.
pub const SEED: &str = "NOKV_FUZZ_SEED";
/// Environment variable with the number of inputs of each target.
pub const ROUNDS: &str = "NOKV_FUZZ_ROUNDS";
/// Most mutations of one input.
const MUTATIONS_MAX: u64 = 6;
/// Inputs do not grow beyond this.
const INPUT_BYTES_MAX: usize = 64 << 10;
/// Values that lengths and counts get wrong at.
const EDGES: [u64; 10] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    u64::MAX >> 1,
    u64::MAX,
];

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fuzzed {
    /// The seed.
    pub seed: u64,
    /// Inputs that were tried.
    pub inputs: u64,
    /// Those of them that the target took.
    pub taken: u64,
}

/// Runs `target`, which answers whether it took the input, on every input of the corpus and then on `rounds`
/// mutated ones (or as many as the environment says).
///
/// # Panics
/// When the target panics, or does not take an input of the corpus: with the seed and the input.
pub fn run(name: &str, corpus: &[Vec<u8>], rounds: u64, target: impl Fn(&[u8]) -> bool) -> Fuzzed {
    let seed = number(SEED).unwrap_or_else(fresh_seed);
    let rounds = number(ROUNDS).unwrap_or(rounds);
    println!("fuzz {name}: {SEED}={seed} {ROUNDS}={rounds}");
    let mut fuzzed = Fuzzed {
        seed,
        inputs: 0,
        taken: 0,
    };
    let mut try_one = |input: &[u8], what: &str| {
        let taken = catch_unwind(AssertUnwindSafe(|| target(input)));
        assert!(
            taken.is_ok(),
            "fuzz {name}: a panic; {SEED}={seed}, {what}, input {}",
            hex(input)
        );
        fuzzed.inputs += 1;
        let taken = matches!(taken, Ok(true));
        fuzzed.taken += u64::from(taken);
        taken
    };
    for (at, input) in corpus.iter().enumerate() {
        let what = format!("corpus {at}");
        assert!(
            try_one(input, &what),
            "fuzz {name}: {what} is not taken: {}",
            hex(input)
        );
    }
    let mut mutator = Mutator::new(seed);
    for round in 0..rounds {
        let input = mutator.next(corpus);
        try_one(&input, &format!("round {round}"));
    }
    fuzzed
}

/// Makes new inputs out of old ones; the same seed and corpus give the same inputs.
#[derive(Debug, Clone)]
pub struct Mutator {
    state: u64,
}

impl Mutator {
    /// Inputs of this seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next input.
    pub fn next(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.pick(corpus).to_vec();
        for _ in 0..=self.below(MUTATIONS_MAX as usize) {
            self.mutate(&mut input, corpus);
            input.truncate(INPUT_BYTES_MAX);
        }
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        match self.below(8) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << (self.random() % 8);
                }
            }
            1 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = self.random() as u8;
                }
            }
            2 => input.truncate(at),
            3 => {
                let from = at + self.below(input.len() - at + 1);
                input.drain(at..from);
            }
            4 => {
                let piece = self.piece(input);
                input.splice(at..at, piece);
            }
            5 => {
                let other = self.pick(corpus).to_vec();
                let piece = self.piece(&other);
                input.splice(at..at, piece);
            }
            6 => self.put_fixed(input, at),
            _ => self.put_varint(input, at),
        }
    }

    /// Overwrites 2, 4 or 8 bytes with a number at an edge.
    fn put_fixed(&mut self, input: &mut [u8], at: usize) {
        let width = [2, 4, 8][self.below(3)];
        let edge = self.edge().to_le_bytes();
        for (to, from) in input[at..].iter_mut().zip(&edge[..width]) {
            *to = *from;
        }
    }

    /// Replaces a byte by a number at an edge, in the variable length of records.
    fn put_varint(&mut self, input: &mut Vec<u8>, at: usize) {
        let mut value = self.edge();
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
        let end = (at + 1).min(input.len());
        input.splice(at..end, bytes);
    }

    fn edge(&mut self) -> u64 {
        let edge = EDGES[self.below(EDGES.len())];
        // Also just beside it.
        edge.wrapping_add(self.random() % 3).wrapping_sub(1)
    }

    fn piece(&mut self, of: &[u8]) -> Vec<u8> {
        let from = self.below(of.len() + 1);
        let len = self.below(of.len() - from + 1);
        of[from..from + len].to_vec()
    }

    fn pick<'c>(&mut self, corpus: &'c [Vec<u8>]) -> &'c [u8] {
        if corpus.is_empty() {
            return &[];
        }
        &corpus[self.below(corpus.len())]
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.random() % bound.max(1) as u64) as usize
    }

    /// SplitMix64.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    text
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let parsed = text.parse();
    assert!(parsed.is_ok(), "{name} is no number: {text}");
    parsed.ok()
}

fn fresh_seed() -> u64 {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    now.as_nanos() as u64 ^ u64::from(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus() -> Vec<Vec<u8>> {
        vec![b"a length and a body".to_vec(), vec![0; 32], Vec::new()]
    }

    #[test]
    fn a_seed_replays_its_inputs_and_another_gives_others() {
        let inputs = |seed| {
            let mut mutator = Mutator::new(seed);
            (0..200).map(|_| mutator.next(&corpus())).collect::<Vec<_>>()
        };
        assert_eq!(inputs(7), inputs(7));
        assert_ne!(inputs(7), inputs(8));
    }

    #[test]
    fn a_panic_behind_one_value_of_a_byte_is_found() {
        let found = catch_unwind(|| {
            run("self-test", &corpus(), 50_000, |input| {
                assert!(input.first() != Some(&0xff), "the bug");
                true
            })
        });
        assert!(found.is_err());
    }

    #[test]
    #[should_panic(expected = "corpus 0 is not taken")]
    fn a_corpus_that_is_not_taken_is_a_mistake() {
        run("self-test", &corpus(), 1, |_| false);
    }
}
