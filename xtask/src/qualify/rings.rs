//! The rings of each suite and their full sizes.

/// A ring.
#[derive(Debug)]
pub(crate) struct Ring {
    pub(crate) name: &'static str,
    /// What happens in it.
    pub(crate) what: &'static str,
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
        what: "random commands against a naive model on both stores, with crashes, restarts, checkpoints and prunes",
        parts: &[part("meta", &["model::random_commands"], 1)],
        sizes: &[("NOKV_MODEL_COMMANDS", "1000000")],
        at_least: 10_000,
    },
    Ring {
        name: "failpoints",
        what: "the process dies at every failpoint; an exact prefix with every durable answer comes back",
        parts: &[part("metad", &["crash::"], 1)],
        sizes: &[("NOKV_CRASH_SEEDS", "20")],
        at_least: 60 * 20,
    },
    Ring {
        name: "kills",
        what: "SIGKILL under load, at a moment that a write of the child chooses",
        parts: &[part("metad", &["kill::"], 1)],
        sizes: &[("NOKV_KILLS", "200")],
        at_least: 200,
    },
    Ring {
        name: "store",
        what: "deaths and power cuts of the frames on a simulated disk",
        parts: &[part("store", &["crash::"], 2)],
        sizes: &[("NOKV_SEEDS_TIMES", "10")],
        at_least: 1_000,
    },
    Ring {
        name: "errors",
        what: "EIO, ENOSPC and short writes at every failpoint of the engine, the log and the frames",
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
        name: "objects",
        what: "refusals, timeouts, lost answers, late puts, cut connections and races of the object store",
        parts: &[
            part("metad", &["objects::"], 2),
            part("object", &["s3_faults::", "crash::"], 1),
        ],
        sizes: &[("NOKV_OBJECT_SEEDS", "200")],
        at_least: 1_000,
    },
    Ring {
        name: "full",
        what: "a disk is filled, then removed from, collected and written again",
        parts: &[part("metad", &["full::"], 1)],
        sizes: &[("NOKV_FULL_ROUNDS", "10")],
        at_least: 10,
    },
    Ring {
        name: "readers",
        what: "two-row invariants beside renames, exchanges, links, batches and forks",
        parts: &[part("metad", &["readers::"], 5)],
        sizes: &[("NOKV_READER_SECONDS", "60")],
        at_least: 5_000,
    },
    Ring {
        name: "corruption",
        what: "a flipped bit or a truncation anywhere in whole workspaces, and in log, events, checkpoints and frames alone",
        parts: &[
            part("metad", &["corruption::"], 2),
            part("store", &["damage::"], 2),
            part("journal", &["damage::"], 2),
        ],
        sizes: &[("NOKV_DAMAGE_TIMES", "10")],
        at_least: 4_000,
    },
    Ring {
        name: "syscalls",
        what: "EIO, ENOSPC and SIGKILL at every call of a script, by strace",
        parts: &[part("metad", &["syscalls::"], 1)],
        sizes: &[("NOKV_SYSCALL_EVERY", "1")],
        at_least: 300,
    },
    Ring {
        name: "journal",
        what: "deaths, power cuts and torn ends of the log on a simulated disk",
        parts: &[part(
            "journal",
            &["crash::dying", "crash::the_undo", "power::", "torn::"],
            2,
        )],
        sizes: &[("NOKV_SEEDS_TIMES", "20")],
        at_least: 1_000,
    },
    Ring {
        name: "power",
        what: "ext4 shut down under load",
        parts: &[part("metad", &["power::"], 1)],
        sizes: &[("NOKV_POWER_CUTS", "20")],
        at_least: 20,
    },
    Ring {
        name: "mutations",
        what: "bugs seeded into the rows are caught by the model",
        parts: &[part("meta", &["model::mutations"], 1)],
        sizes: &[],
        at_least: 5,
    },
];
