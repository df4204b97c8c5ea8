//! What a test ring did, as one line that `cargo xtask qualify` reads: `QUALIFY {"ring": ..}`.
//!
//! Owns: the form of the line, and that a run which injected or acknowledged nothing fails.

/// The beginning of the line; what follows up to its end is one JSON object.
pub const MARK: &str = "QUALIFY ";

/// What one run of one test of a ring did.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The ring.
    pub ring: &'a str,
    /// What replays it: base seed and how many, or the range. No quotes and no backslashes.
    pub seeds: &'a str,
    /// Faults that really happened, and what they are.
    pub injected: (u64, &'a str),
    /// Answers that were held against the state afterwards, and what they are.
    pub acknowledged: (u64, &'a str),
}

impl Evidence<'_> {
    /// Prints the line.
    ///
    /// # Panics
    /// When nothing was injected or nothing was acknowledged: such a run proves nothing.
    pub fn print(&self) {
        let line = self.line();
        assert!(
            self.injected.0 > 0 && self.acknowledged.0 > 0,
            "the run proves nothing: {line}"
        );
        // On a line of its own, whatever the test program has left on this one.
        println!("\n{line}");
    }

    fn line(&self) -> String {
        let texts = [self.ring, self.seeds, self.injected.1, self.acknowledged.1];
        assert!(
            !texts.iter().any(|text| text.contains(['"', '\\', '\n'])),
            "not a plain text: {texts:?}"
        );
        format!(
            "{MARK}{{\"ring\":\"{}\",\"seeds\":\"{}\",\"injected\":{},\"of\":\"{}\",\"acknowledged\":{},\"as\":\"{}\"}}",
            self.ring, self.seeds, self.injected.0, self.injected.1, self.acknowledged.0, self.acknowledged.1
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(injected: u64) -> Evidence<'static> {
        Evidence {
            ring: "kills",
            seeds: "7, 20 kills",
            injected: (injected, "kills"),
            acknowledged: (400, "requests"),
        }
    }

    #[test]
    fn the_line_is_one_json_object_behind_the_mark() {
        assert_eq!(
            evidence(20).line(),
            "QUALIFY {\"ring\":\"kills\",\"seeds\":\"7, 20 kills\",\"injected\":20,\"of\":\"kills\",\"acknowledged\":400,\"as\":\"requests\"}"
        );
    }

    #[test]
    #[should_panic(expected = "proves nothing")]
    fn a_run_that_injected_nothing_fails() {
        evidence(0).print();
    }
}
