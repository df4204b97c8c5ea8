//! Makes a failing list of steps shorter, and prints it.

use super::engine::Engine;
use super::run::{Run, Step};
use super::{Failure, guarded, window_of};
use nokv_types::{Command, Ino, Name, Node, Request, TimelineId};

/// How many times the steps are run again at most.
const TRIES_MAX: usize = 3_000;
/// Steps that are run at most over all tries, blank ones not counted: what bounds the time of a long list.
const STEPS_MAX: usize = 300_000;
/// Steps that are printed at most, and characters of a request.
const PRINTED_MAX: usize = 60;
const REQUEST_CHARS_MAX: usize = 300;

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

/// The shortest list so far, and what is left of the budget to find a shorter one.
struct Shrink<'m> {
    make: &'m dyn Fn() -> Engine,
    seed: u64,
    wanted: String,
    steps: Vec<Step>,
    text: String,
    tries: usize,
    run: usize,
}

impl Shrink<'_> {
    /// Takes `fewer` when it fails in the same way.
    fn attempt(&mut self, mut fewer: Vec<Step>) {
        if self.is_over() || blanks(&fewer) == blanks(&self.steps) {
            return;
        }
        self.tries += 1;
        self.run += fewer.iter().filter(|step| !is_blank(step)).count();
        match fails(&fewer, (self.make)(), self.seed) {
            Some((place, found)) if gist(&found) == self.wanted => {
                fewer.truncate(place + 1);
                (self.steps, self.text) = (fewer, found);
            }
            _ => (),
        }
    }

    fn is_over(&self) -> bool {
        self.tries >= TRIES_MAX || self.run >= STEPS_MAX
    }

    /// Leaves out every comparison but the last: most of the time goes there.
    fn without_comparisons(&mut self) {
        let last = self.steps.len().saturating_sub(1);
        let mut fewer = self.steps.clone();
        let looks = |step: &Step| matches!(step, Step::Compare(_) | Step::Past(_));
        fewer[..last]
            .iter_mut()
            .filter(|step| looks(step))
            .for_each(blank);
        self.attempt(fewer);
    }

    /// Leaves out runs of steps, ever shorter ones.
    fn steps(&mut self) {
        let mut size = self.steps.len().div_ceil(8);
        while size > 0 && !self.is_over() {
            let mut at = 0;
            while at < self.steps.len() {
                let mut fewer = self.steps.clone();
                let end = (at + size).min(fewer.len());
                fewer[at..end].iter_mut().for_each(blank);
                self.attempt(fewer);
                at += size;
            }
            size /= 2;
        }
    }

    /// Leaves out single requests of batches.
    fn requests(&mut self) {
        for at in 0..self.steps.len() {
            let Some(Step::Batch(_, requests)) = self.steps.get(at) else {
                continue;
            };
            for place in 0..requests.len() {
                let mut fewer = self.steps.clone();
                if let Some(Step::Batch(_, requests)) = fewer.get_mut(at) {
                    requests[place] = nothing();
                }
                self.attempt(fewer);
            }
        }
    }
}

pub(crate) fn shrink(failure: &Failure, make: impl Fn() -> Engine, seed: u64) -> String {
    let mut shrink = Shrink {
        make: &make,
        seed,
        wanted: gist(&failure.text),
        steps: failure.steps.clone(),
        text: failure.text.clone(),
        tries: 0,
        run: 0,
    };
    shrink.without_comparisons();
    shrink.steps();
    shrink.requests();
    let told: Vec<String> = shrink
        .steps
        .iter()
        .filter(|step| !is_blank(step))
        .map(show)
        .collect();
    let skipped = told.len().saturating_sub(PRINTED_MAX);
    format!(
        "found: {}\nshrunk: {}\n{} of {} steps, the last {}:\n{}",
        failure.text,
        shrink.text,
        told.len(),
        failure.steps.len(),
        told.len() - skipped,
        told[skipped..].join("\n")
    )
}

fn show(step: &Step) -> String {
    let Step::Batch(pass, requests) = step else {
        return format!("  {step:?}");
    };
    let kept = requests.iter().filter(|request| **request != nothing());
    let lines = kept.map(|request| {
        let text = format!(
            "    {:?} retired {} {:?} {:?}",
            request.id, request.retired_below, request.retired, request.command
        );
        text.chars().take(REQUEST_CHARS_MAX).collect()
    });
    let lines: Vec<String> = lines.collect();
    format!(
        "  after {pass} ns, {} requests:\n{}",
        requests.len(),
        lines.join("\n")
    )
}

fn blank(step: &mut Step) {
    if let Step::Batch(_, requests) = step {
        requests.fill(nothing());
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

/// Requests and steps that are left out.
fn blanks(steps: &[Step]) -> usize {
    let of = |step: &Step| match step {
        Step::Batch(_, requests) if requests.is_empty() => 1,
        Step::Batch(_, requests) => requests.iter().filter(|request| **request == nothing()).count(),
        _ => 0,
    };
    steps.iter().map(of).sum()
}
