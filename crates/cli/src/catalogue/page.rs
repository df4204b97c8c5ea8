//! docs/errors.md and what stands in docs/cli.md, made of the catalogue and compared with it.

use super::*;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

/// Exit codes and what they mean, as they stand in the documentation.
const EXITS: [(u8, &str); 9] = [
    (0, "done; also when the reader of a pipe went away"),
    (
        EXIT_REFUSED,
        "refused by the namespace, or declined by the user; nothing was changed",
    ),
    (EXIT_USAGE, "the arguments or the configuration make no sense"),
    (
        EXIT_DAMAGED,
        "stored bytes or rows are damaged (`verify`, `fsck`, and any read that meets them)",
    ),
    (EXIT_INPUT, "the imported archive is damaged or breaks a rule"),
    (EXIT_IO, "reading or writing failed"),
    (
        EXIT_LATER,
        "not now: another process owns the data directory, or it is busy; the same command may work later",
    ),
    (EXIT_INTERRUPTED, "interrupted; the namespace is consistent"),
    (EXIT_TERMINATED, "ended by SIGTERM; the namespace is consistent"),
];

/// docs/errors.md.
fn page() -> String {
    let mut page = String::from(
        "# Error codes\n\n\
         Made from the code by `NOKV_UPDATE_GOLDEN=1 cargo test -p nokv-cli catalogue`; a test keeps both the same.\n\n\
         An error is `nokv: CODE: what and why`, and under it the next command to try. With `-o json` or `-o jsonl` \
         it is an\nobject on standard error: `{\"error\": {\"code\", \"name\", \"message\", \"try\", \"exit\"}}`. \
         `nokv explain CODE` prints what\nstands here. A number is never given to another error.\n\n\
         ## Exit codes\n\n| code | means |\n|---|---|\n",
    );
    for (exit, means) in EXITS {
        let _string_never_fails = writeln!(page, "| {exit} | {means} |");
    }
    page.push_str("\n## Codes\n\n| code | name | exit | says | what to do |\n|---|---|---|---|---|\n");
    for entry in all() {
        let _string_never_fails = writeln!(
            page,
            "| {} | {} | {} | {} | {} |",
            entry.code(),
            entry.name,
            entry.exit,
            entry.meaning,
            entry.action
        );
    }
    page
}

#[test]
fn every_number_and_every_name_stands_for_one_error() {
    let all = all();
    let numbers: BTreeSet<u16> = all.iter().map(|entry| entry.number).collect();
    let names: BTreeSet<String> = all.iter().map(|entry| entry.name.to_ascii_lowercase()).collect();
    assert_eq!((numbers.len(), names.len()), (all.len(), all.len()));
    assert_eq!(all.len(), Code::ALL.len() + OWN.len());
    assert!(Code::ALL.iter().all(|code| (*code as u16) < 900));
    assert!(
        all.iter()
            .all(|entry| EXITS.iter().any(|(exit, _)| *exit == entry.exit))
    );
}

#[test]
fn a_code_is_found_however_it_is_written() {
    for text in ["NOKV-E0002", "nokv-e2", "E0002", "2", "NotFound", "notfound"] {
        assert_eq!(find(text).unwrap().name, "NotFound", "{text}");
    }
    assert_eq!(find("NOKV-E0909").unwrap().name, "StoreInvalid");
    assert!(find("NOKV-E9999").is_none() && find("").is_none());
}

#[test]
fn the_catalogue_in_the_documentation_is_that_of_the_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    if std::env::var_os("NOKV_UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, page()).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(
        kept == page(),
        "docs/errors.md is old; run this test with NOKV_UPDATE_GOLDEN=1"
    );
}

#[test]
fn every_exit_code_stands_in_the_page_of_the_command() {
    let page = include_str!("../../../../docs/cli.md");
    for (exit, means) in EXITS {
        let line = format!("| {exit} | {means} |");
        assert!(page.contains(&line), "docs/cli.md lacks the line: {line}");
    }
}
