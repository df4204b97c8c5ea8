//! The rings of each suite and their full sizes.

/// A ring.
#[derive(Debug)]
pub(crate) struct Ring {
    pub(crate) name: &'static str,
    /// One after the other.
    pub(crate) parts: &'static [Part],
    /// What makes its tests larger than in CI, by environment.
    pub(crate) sizes: &'static [(&'static str, &'static str)],
    /// It fails when it injected fewer faults.
    pub(crate) at_least: u64,
}

/// Tests of one crate's integration tests.
#[derive(Debug)]
pub(crate) struct Part {
    /// The crate's folder.
    pub(crate) suite: &'static str,
    /// Parts of the names of the tests.
    pub(crate) tests: &'static [&'static str],
    /// How many of them run side by side.
    pub(crate) threads: usize,
}

const fn part(suite: &'static str, tests: &'static [&'static str], threads: usize) -> Part {
    Part {
        suite,
        tests,
        threads,
    }
}

/// The rings of a suite; the longest first, because two run side by side.
pub(crate) fn of(suite: &str) -> Option<&'static [Ring]> {
    (suite == "core").then_some(CORE)
}

const CORE: &[Ring] = &[
    Ring {
        name: "model",
        parts: &[part("meta", &["model::random_commands"], 1)],
        sizes: &[("NOKV_MODEL_COMMANDS", "1000000")],
        at_least: 5_000,
    },
    Ring {
        name: "kills",
        parts: &[part("metad", &["kill::"], 1)],
        sizes: &[("NOKV_KILLS", "200")],
        at_least: 200,
    },
    Ring {
        name: "failpoints",
        parts: &[part("metad", &["crash::"], 1)],
        sizes: &[("NOKV_CRASH_SEEDS", "20")],
        at_least: 60 * 20,
    },
    Ring {
        name: "syscalls",
        parts: &[part("metad", &["syscalls::"], 1)],
        sizes: &[("NOKV_SYSCALL_EVERY", "1")],
        at_least: 300,
    },
    Ring {
        name: "corruption",
        parts: &[
            part("metad", &["corruption::"], 2),
            part("store", &["damage::"], 2),
            part("journal", &["damage::"], 2),
        ],
        sizes: &[("NOKV_DAMAGE_TIMES", "10")],
        at_least: 4_000,
    },
    Ring {
        name: "errors",
        parts: &[
            part("metad", &["faults::"], 1),
            part("store", &["faults::"], 2),
            part("journal", &["a_refused_write"], 1),
        ],
        sizes: &[
            ("NOKV_FAULT_EVERY", "1"),
            ("NOKV_FAULT_SEEDS", "5"),
            ("NOKV_SEEDS_TIMES", "10"),
        ],
        at_least: 600,
    },
    Ring {
        name: "readers",
        parts: &[part("metad", &["readers::"], 5)],
        sizes: &[("NOKV_READER_SECONDS", "60")],
        at_least: 5_000,
    },
    Ring {
        name: "power",
        parts: &[part("metad", &["power::"], 1)],
        sizes: &[("NOKV_POWER_CUTS", "20")],
        at_least: 20,
    },
    Ring {
        name: "journal",
        parts: &[part(
            "journal",
            &["crash::dying", "crash::the_undo", "power::", "torn::"],
            2,
        )],
        sizes: &[("NOKV_SEEDS_TIMES", "20")],
        at_least: 1_000,
    },
    Ring {
        name: "store",
        parts: &[part("store", &["crash::"], 2)],
        sizes: &[("NOKV_SEEDS_TIMES", "10")],
        at_least: 1_000,
    },
    Ring {
        name: "objects",
        parts: &[
            part("metad", &["objects::"], 2),
            part("object", &["s3_faults::", "crash::"], 1),
        ],
        sizes: &[("NOKV_OBJECT_SEEDS", "200")],
        at_least: 1_000,
    },
    Ring {
        name: "full",
        parts: &[part("metad", &["full::"], 1)],
        sizes: &[("NOKV_FULL_ROUNDS", "10")],
        at_least: 10,
    },
    Ring {
        name: "mutations",
        parts: &[part("meta", &["model::mutations"], 1)],
        sizes: &[],
        at_least: 5,
    },
];
