//! The commands of README.md and docs/cli.md, run as they stand there.

use crate::archives::{header, xz};
use crate::run::{Scratch, pattern};
use std::path::Path;
use std::process::Command;
use tar::{Builder, EntryType};

/// The shell blocks of a page from a headline on.
fn blocks(page: &str, headline: &str) -> String {
    let part = &page[page
        .find(headline)
        .unwrap_or_else(|| panic!("{headline} is gone"))..];
    let end = part[3..].find("\n## ").map_or(part.len(), |end| end + 3);
    let mut script = String::new();
    for block in part[..end].split("```sh\n").skip(1) {
        script.push_str(block.split("```").next().unwrap());
    }
    script
}

/// Runs a script as a user would, in a folder with the archive that the pages speak of.
fn run(script: &str) -> String {
    let nokv = Scratch::bare();
    let mut tar = Builder::new(Vec::new());
    for name in [
        "good/metrics.json",
        "good/model.bin",
        "failed/metrics.json",
        "failed/log.txt",
    ] {
        tar.append_data(&mut header(EntryType::Regular, 6000), name, &pattern(6000)[..])
            .unwrap();
    }
    nokv.write("runs.tar.xz", &xz(&tar.into_inner().unwrap()));
    nokv.write("model.bin", &pattern(6000));
    let binary = Path::new(env!("CARGO_BIN_EXE_nokv")).parent().unwrap();
    let output = Command::new("bash")
        .args(["-euc", script])
        .current_dir(nokv.dir.path())
        .env_clear()
        .env("HOME", nokv.dir.path())
        .env("PATH", format!("{}:/usr/bin:/bin", binary.display()))
        .env("NOKV_LOG_RESERVE", "8M")
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{script}\n{out}\n{err}");
    out.into_owned()
}

#[test]
fn the_tour_of_the_readme_runs_as_it_is_written() {
    let tour = blocks(include_str!("../../../../README.md"), "## A short tour");
    let commands = tour.lines().filter(|line| line.starts_with("nokv ")).count();
    assert!(commands >= 9, "only {commands} commands in the tour");
    let out = run(&tour);
    for told in [
        "metrics.json",
        "snapshot before-cleanup of /runs",
        "removed",
        "fork try-again",
        "clean:",
    ] {
        assert!(out.contains(told), "{told} is not in: {out}");
    }
}

#[test]
fn the_examples_of_the_page_run_as_they_are_written() {
    let examples = blocks(include_str!("../../../../docs/cli.md"), "## By example");
    let commands = examples.lines().filter(|line| line.starts_with("nokv ")).count();
    assert!(commands >= 30, "only {commands} commands in the examples");
    run(&format!("export NOKV_DATA=$HOME/nokv\n{examples}"));
}

#[test]
fn every_verb_stands_in_the_examples() {
    let page = include_str!("../../../../docs/cli.md");
    let nokv = Scratch::bare();
    let help = nokv.ok(&["help"]);
    let verbs = help
        .split("Commands:")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    for verb in verbs.lines().filter_map(|line| line.split_whitespace().next()) {
        assert!(
            page.contains(&format!("nokv {verb}")),
            "docs/cli.md never shows nokv {verb}"
        );
    }
}
