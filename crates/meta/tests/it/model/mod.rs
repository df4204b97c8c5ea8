//! Random commands against a naive model: on the in-memory store and on Holt, every answer and every state.
//!
//! `NOKV_MODEL_COMMANDS` says how many (both stores together), `NOKV_SEED` which. The model is written from the
//! meaning of the commands: it knows whole trees and clones of them, nothing of rows.

mod apply;
mod apply_bodies;
mod apply_timelines;
mod bodies;
mod body;
mod check;
mod check_bodies;
mod check_timelines;
mod choose;
mod compare;
mod counts;
mod engine;
mod entries;
mod generate;
mod kinds;
mod lines;
mod mutations;
mod run;
mod shrink;
mod state;

use engine::Engine;
use generate::Generator;
use kinds::{FULL_RUN, Table};
use nokv_testkit::evidence::Evidence;
use run::{Run, Step};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Commands of one run: a fresh workspace with its own seed.
const RUN_COMMANDS: usize = 12_500;

/// Commands of all runs together when nobody says how many: enough to meet everything.
const COMMANDS: u64 = 50_000;

/// What was found, with the steps that lead to it.
pub(crate) struct Failure {
    pub(crate) text: String,
    pub(crate) steps: Vec<Step>,
}

fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number")),
        Err(_) => otherwise,
    }
}

pub(crate) fn window_of(seed: u64) -> u64 {
    [0, 5_000_000_000, 60_000_000_000][(seed % 3) as usize]
}

/// One run of so many commands; everything that it did when something differs.
pub(crate) fn drive(engine: Engine, seed: u64, commands: usize) -> Result<Table, Failure> {
    let mut run = Run::new(engine, window_of(seed));
    let mut generator = Generator::new(seed);
    let mut steps = Vec::new();
    while run.table.commands < commands {
        let step = generator.next(&run);
        steps.push(step);
        let step = &steps[steps.len() - 1];
        match step {
            Step::Crash => run.table.step("crash"),
            Step::Restart => run.table.step("restart"),
            Step::Checkpoint => run.table.step("checkpoint"),
            _ => (),
        }
        if let Err(text) = guarded(&mut run, step) {
            return Err(Failure { text, steps });
        }
    }
    for step in [Step::Settle, Step::Compare(100)] {
        steps.push(step.clone());
        if let Err(text) = guarded(&mut run, &step) {
            return Err(Failure { text, steps });
        }
    }
    Ok(run.table)
}

/// A step; a panic on either side is a difference too.
pub(crate) fn guarded(run: &mut Run, step: &Step) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| run.step(step))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

fn engine(place: usize) -> Engine {
    if place.is_multiple_of(2) {
        Engine::memory()
    } else {
        Engine::holt()
    }
}

#[test]
fn random_commands_do_what_the_model_says() {
    let commands = number("NOKV_MODEL_COMMANDS", COMMANDS) as usize;
    let seed = number("NOKV_SEED", 1);
    println!("NOKV_SEED={seed} NOKV_MODEL_COMMANDS={commands}");
    let mut table = Table::default();
    let runs = commands.div_ceil(RUN_COMMANDS);
    for place in 0..runs {
        let each = commands / runs;
        let seed = seed + place as u64;
        match drive(engine(place), seed, each) {
            Ok(done) => table.add(&done),
            Err(failure) => {
                table.print();
                println!("NOKV_SEED={seed} on store {}: {}", place % 2, failure.text);
                let shrunk = shrink::shrink(&failure, || engine(place), seed);
                panic!("NOKV_SEED={seed} on store {}:\n{shrunk}", place % 2);
            }
        }
    }
    table.print();
    if commands >= FULL_RUN {
        let missing = table.missing();
        assert!(
            missing.is_empty(),
            "the run did not meet everything: {missing:#?}"
        );
    }
    let (steps, succeeded) = table.done();
    Evidence {
        ring: "model",
        seeds: &format!("NOKV_SEED={seed} NOKV_MODEL_COMMANDS={commands}"),
        injected: (
            steps,
            "crashes, restarts, checkpoints, prunes and repairs of damage",
        ),
        acknowledged: (succeeded, "commands that succeeded"),
    }
    .print_with(&table.told());
}
