//! The suites and their time budgets.
//!
//! A suite over its budget is reported and gets a smaller CI size; it is never skipped.

use std::time::Duration;

/// What one suite may take on two cores with everything built.
struct Budget {
    suite: &'static str,
    seconds: u64,
}

/// A crate is named by its folder. The crates of the core share ten minutes.
const BUDGETS: &[Budget] = &[
    Budget {
        suite: "fmt",
        seconds: 10,
    },
    Budget {
        suite: "tidy",
        seconds: 10,
    },
    Budget {
        suite: "xtask",
        seconds: 60,
    },
    Budget {
        suite: "clippy",
        seconds: 300,
    },
    Budget {
        suite: "build",
        seconds: 600,
    },
    Budget {
        suite: "types",
        seconds: 10,
    },
    Budget {
        suite: "store",
        seconds: 60,
    },
    Budget {
        suite: "meta",
        seconds: 150,
    },
    Budget {
        suite: "journal",
        seconds: 60,
    },
    Budget {
        suite: "object",
        seconds: 60,
    },
    Budget {
        suite: "protocol",
        seconds: 30,
    },
    Budget {
        suite: "client",
        seconds: 30,
    },
    Budget {
        suite: "testkit",
        seconds: 20,
    },
    Budget {
        suite: "metad",
        seconds: 120,
    },
    Budget {
        suite: "cli",
        seconds: 60,
    },
    Budget {
        suite: "bench",
        seconds: 30,
    },
    Budget {
        suite: "doc",
        seconds: 60,
    },
    Budget {
        suite: "demo",
        seconds: 120,
    },
];

/// For a crate that has no line above yet.
const DEFAULT_SECONDS: u64 = 60;
/// A suite that runs this many times its budget hangs, and is ended.
const HANG_FACTOR: u32 = 10;

/// The checks that are no crate.
pub(crate) const CHECKS: &[&str] = &["fmt", "tidy", "xtask", "clippy", "doc", "demo"];

/// Whether a check runs no libtest program, so that a run of it alone may pass no test.
pub(crate) fn has_no_tests(name: &str) -> bool {
    matches!(name, "fmt" | "tidy" | "clippy" | "doc" | "demo")
}

/// The budget of a suite.
pub(crate) fn budget(suite: &str) -> Duration {
    let found = BUDGETS.iter().find(|budget| budget.suite == suite);
    Duration::from_secs(found.map_or(DEFAULT_SECONDS, |budget| budget.seconds))
}

/// When one test program of a suite counts as hanging.
pub(crate) fn hang_limit(suite: &str) -> Duration {
    budget(suite) * HANG_FACTOR
}

/// The line that is printed for a finished suite.
pub(crate) fn budget_line(suite: &str, took: Duration) -> String {
    let budget = budget(suite);
    let verdict = if took > budget {
        "OVER BUDGET"
    } else {
        "within budget"
    };
    format!(
        "{suite:<10} {:>7.1} s of {:>4} s  {verdict}",
        took.as_secs_f64(),
        budget.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_over_its_budget_is_called_so() {
        let budget = budget("types");
        assert!(budget_line("types", budget).ends_with("within budget"));
        assert!(budget_line("types", budget + Duration::from_millis(1)).ends_with("OVER BUDGET"));
    }

    #[test]
    fn the_crates_of_the_core_share_ten_minutes() {
        let shared = [
            "types", "store", "meta", "journal", "object", "client", "testkit", "metad", "cli", "bench",
        ];
        assert_eq!(
            shared.map(|suite| budget(suite).as_secs()).iter().sum::<u64>(),
            600
        );
    }

    #[test]
    fn every_check_has_a_budget_of_its_own() {
        for check in CHECKS {
            assert!(BUDGETS.iter().any(|budget| budget.suite == *check), "{check}");
        }
    }
}
