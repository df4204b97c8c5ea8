//! Makes a failing list of steps shorter, and prints it.

use super::engine::Engine;
use super::run::{Run, Step};
use super::{Failure, guarded, window_of};
use nokv_types::{Command, Ino, Name, Node, Request, TimelineId};
use std::time::{Duration, Instant};

/// How long is tried.
const TIME_MAX: Duration = Duration::from_secs(20);
/// Steps that are printed at most.
const PRINTED_MAX: usize = 60;

/// A command that is refused: it takes the place of one that is left out, so that later numbers stay.
fn nothing() -> Request {
    Request::internal(Command::Unlink {
        parent: Node::new(TimelineId(u64::MAX >> 20), Ino(1)),
        name: Name::new(b"nothing").expect("a valid name"),
    })
}

fn fails(steps: &[Step], engine: Engine, seed: u64) -> Option<(usize, String)> {
    let mut run = Run::new(engine, window_of(seed));
    for (place, step) in steps.iter().enumerate() {
        if let Err(text) = guarded(&mut run, step) {
            return Some((place, text));
        }
    }
    None
}

/// The kind of a difference: its words without what varies.
fn gist(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    first.chars().filter(|c| c.is_alphabetic()).take(80).collect()
}

pub(crate) fn shrink(failure: &Failure, make: impl Fn() -> Engine, seed: u64) -> String {
    let begin = Instant::now();
    let (mut steps, mut text) = (failure.steps.clone(), failure.text.clone());
    let wanted = gist(&text);
    let mut size = steps.len() / 2;
    while size > 0 && begin.elapsed() < TIME_MAX {
        let mut at = 0;
        while at < steps.len() && begin.elapsed() < TIME_MAX {
            let mut fewer = steps.clone();
            let end = (at + size).min(steps.len());
            for step in &mut fewer[at..end] {
                blank(step);
            }
            let same_size = fewer[at..end]
                .iter()
                .zip(&steps[at..end])
                .all(|(a, b)| is_blank(a) == is_blank(b));
            match (!same_size).then(|| fails(&fewer, make(), seed)).flatten() {
                Some((place, found)) if gist(&found) == wanted => {
                    fewer.truncate(place + 1);
                    (steps, text) = (fewer, found);
                }
                _ => (),
            }
            at += size;
        }
        size /= 2;
    }
    let told: Vec<String> = steps
        .iter()
        .filter(|step| !is_blank(step))
        .map(|step| format!("  {step:?}"))
        .collect();
    let skipped = told.len().saturating_sub(PRINTED_MAX);
    format!(
        "found: {}\nshrunk: {text}\n{} steps, the last {}:\n{}",
        failure.text,
        told.len(),
        told.len() - skipped,
        told[skipped..].join("\n")
    )
}

fn blank(step: &mut Step) {
    if let Step::Batch(_, requests) = step {
        requests.iter_mut().for_each(|request| *request = nothing());
    } else {
        *step = Step::Batch(0, Vec::new());
    }
}

fn is_blank(step: &Step) -> bool {
    match step {
        Step::Batch(_, requests) => requests.iter().all(|request| *request == nothing()),
        _ => false,
    }
}
