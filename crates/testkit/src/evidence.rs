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
        self.print_with(&[]);
    }

    /// The same with what was counted: names and texts, which are plain as the others are. A name that comes twice
    /// stands once in the record.
    ///
    /// # Panics
    /// As [`Evidence::print`].
    pub fn print_with(&self, table: &[(String, String)]) {
        let line = self.line(table);
        assert!(
            self.injected.0 > 0 && self.acknowledged.0 > 0,
            "the run proves nothing: {line}"
        );
        // On a line of its own, whatever the test program has left on this one.
        println!("\n{line}");
    }

    fn line(&self, table: &[(String, String)]) -> String {
        let texts = [self.ring, self.seeds, self.injected.1, self.acknowledged.1].into_iter();
        let cells = table
            .iter()
            .flat_map(|(name, text)| [name.as_str(), text.as_str()]);
        for text in texts.chain(cells) {
            let is_plain = !text.contains(['"', '\\']) && !text.contains(char::is_control);
            assert!(is_plain, "not a plain text: {text:?}");
        }
        let rows: Vec<String> = table
            .iter()
            .map(|(name, text)| format!("\"{name}\":\"{text}\""))
            .collect();
        let table = if rows.is_empty() {
            String::new()
        } else {
            format!(",\"table\":{{{}}}", rows.join(","))
        };
        format!(
            "{MARK}{{\"ring\":\"{}\",\"seeds\":\"{}\",\"injected\":{},\"of\":\"{}\",\"acknowledged\":{},\"as\":\"{}\"{table}}}",
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
            evidence(20).line(&[]),
            "QUALIFY {\"ring\":\"kills\",\"seeds\":\"7, 20 kills\",\"injected\":20,\"of\":\"kills\",\"acknowledged\":400,\"as\":\"requests\"}"
        );
    }

    #[test]
    fn what_was_counted_follows_by_name() {
        let row = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let line = evidence(20).line(&[
            row("create", "3 done, 1 refused"),
            row("link", "2 done, 0 refused"),
        ]);
        let end = ",\"table\":{\"create\":\"3 done, 1 refused\",\"link\":\"2 done, 0 refused\"}}";
        assert!(line.ends_with(end), "{line}");
    }

    #[test]
    #[should_panic(expected = "proves nothing")]
    fn a_run_that_injected_nothing_fails() {
        evidence(0).print();
    }
}
