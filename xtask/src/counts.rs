//! Reads the summary line of a libtest run.

use std::fmt;
use std::ops::AddAssign;

/// How many tests of one or more runs did what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    /// The counts of a line such as `test result: ok. 3 passed; 0 failed; 0 ignored; ...`, if it is one.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (_verdict, fields) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let mut counts = Self::default();
        for field in fields.split("; ") {
            match field.split_once(' ') {
                Some((number, "passed")) => counts.passed = number.parse().ok()?,
                Some((number, "failed")) => counts.failed = number.parse().ok()?,
                Some((number, "ignored")) => counts.skipped = number.parse().ok()?,
                _ => {}
            }
        }
        Some(counts)
    }

    /// One thing that failed outside of a run: a check, a build, a program that died.
    pub(crate) fn one_failure() -> Self {
        Self {
            failed: 1,
            ..Self::default()
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_line_gives_its_counts() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.52s";
        assert_eq!(
            Counts::parse(line),
            Some(Counts {
                passed: 12,
                failed: 3,
                skipped: 1
            })
        );
    }

    #[test]
    fn other_lines_are_no_summary() {
        for line in ["test a::b ... ok", "running 3 tests", "test result: ", ""] {
            assert_eq!(Counts::parse(line), None, "{line:?}");
        }
    }

    #[test]
    fn skipped_tests_are_named_only_when_there_are_any() {
        let mut counts = Counts {
            passed: 2,
            failed: 0,
            skipped: 0,
        };
        assert_eq!(counts.to_string(), "2 passed, 0 failed");
        counts += Counts {
            passed: 1,
            failed: 1,
            skipped: 4,
        };
        assert_eq!(counts.to_string(), "3 passed, 1 failed, 4 skipped");
    }
}
