//! Rules on the text of files.

use super::{Findings, Source};

/// Above this a file is counted and printed as a sum.
pub(super) const LINES_SOFT: usize = 300;
/// Above this a file is a finding, tests included.
const LINES_HARD: usize = 500;
/// Files that have a size limit.
const CODE: &[&str] = &["rs", "py", "go"];

/// Text that must not stand in Rust sources. Split, so that this table is not its own finding.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        concat!("#[", "ignore"),
        "no test is ignored: shrink it, or let it say NOT QUALIFIED",
    ),
    (
        concat!("todo", "!("),
        "no stubs: leave out what does not exist yet",
    ),
    (
        concat!("unimplemented", "!("),
        "no stubs: leave out what does not exist yet",
    ),
    (
        concat!("#[", "allow("),
        "silence a lint with `expect` and a reason",
    ),
    (
        concat!("#![", "allow("),
        "silence a lint with `expect` and a reason",
    ),
    (concat!("assert!(", "true)"), "an assertion that cannot fail"),
];

/// Folders of one machine. Split for the same reason.
const MACHINE_PATHS: &[&str] = &[
    concat!("/", "work/"),
    concat!("/", "root/"),
    concat!("/", "tmp/nokv"),
];

/// Module names that say nothing about what is in them.
const EMPTY_NAMES: &[&str] = &["utils.rs", "util.rs", "common.rs", "helpers.rs", "misc.rs"];

/// Checks every file; returns how many are above the soft limit.
pub(super) fn check(sources: &[Source], findings: &mut Findings) -> usize {
    let mut long = 0;
    for source in sources {
        let Some(text) = source.text.as_deref() else {
            continue;
        };
        machine_paths(source, text, findings);
        if source.has_extension(CODE) {
            let lines = text.lines().count();
            long += usize::from(lines > LINES_SOFT);
            if lines > LINES_HARD {
                findings.add(&source.path, format!("{lines} lines, {LINES_HARD} are allowed"));
            }
        }
        if source.has_extension(&["rs", "toml"]) {
            ascii(source, text, findings);
        }
        if source.has_extension(&["rs"]) {
            rust(source, text, findings);
        }
    }
    long
}

fn machine_paths(source: &Source, text: &str, findings: &mut Findings) {
    for (number, line) in text.lines().enumerate() {
        if MACHINE_PATHS.iter().any(|path| contains_as_absolute(line, path)) {
            findings.add(
                &format!("{}:{}", source.path, number + 1),
                "names a folder of one machine",
            );
        }
    }
}

/// Whether `line` names `path` itself and not a longer path that ends in it, such as `a/work/b`.
fn contains_as_absolute(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || "_.-}>)~".contains(c))
    })
}

fn ascii(source: &Source, text: &str, findings: &mut Findings) {
    for (number, line) in text.lines().enumerate() {
        if !line.is_ascii() {
            findings.add(
                &format!("{}:{}", source.path, number + 1),
                "not ASCII; write it as an escape",
            );
        }
    }
}

fn rust(source: &Source, text: &str, findings: &mut Findings) {
    for (number, line) in text.lines().enumerate() {
        for (forbidden, why) in FORBIDDEN {
            if line.contains(forbidden) {
                findings.add(&format!("{}:{}", source.path, number + 1), why);
            }
        }
    }
    if EMPTY_NAMES.contains(&source.name()) {
        findings.add(&source.path, "a module is named after what it owns");
    }
    let is_module = source.path.split('/').any(|part| part == "src");
    let first = text.lines().find(|line| !line.trim().is_empty());
    if is_module && !first.is_some_and(|line| line.starts_with("//!")) {
        findings.add(
            &source.path,
            "starts without `//!`: what does it own, what must it not know?",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let mut findings = Findings::default();
        check(
            &[Source {
                path: path.to_owned(),
                text: Some(text.to_owned()),
            }],
            &mut findings,
        );
        findings.0
    }

    #[test]
    fn a_documented_module_has_no_findings() {
        assert!(findings("crates/a/src/lib.rs", "//! Owns a.\n").is_empty());
    }

    #[test]
    fn each_forbidden_text_is_found_with_its_line() {
        for (forbidden, _) in FORBIDDEN {
            let found = findings("crates/a/src/lib.rs", &format!("//! Owns a.\n\n{forbidden}\n"));
            assert_eq!(found.len(), 1, "{forbidden}");
            assert!(found[0].starts_with("crates/a/src/lib.rs:3: "), "{found:?}");
        }
    }

    #[test]
    fn a_file_is_too_long_from_one_line_above_the_limit() {
        assert!(findings("e2e/a.py", &"x\n".repeat(LINES_HARD)).is_empty());
        assert_eq!(findings("e2e/a.py", &"x\n".repeat(LINES_HARD + 1)).len(), 1);
    }

    #[test]
    fn a_module_without_docs_is_found_but_an_integration_test_may_go_without() {
        assert_eq!(findings("crates/a/src/b.rs", "fn b() {}\n").len(), 1);
        assert!(findings("crates/a/tests/it/b.rs", "fn b() {}\n").is_empty());
    }

    #[test]
    fn letters_outside_ascii_are_found_in_code_and_allowed_in_prose() {
        assert_eq!(findings("a.toml", "# caf\u{e9}\n").len(), 1);
        assert!(findings("a.md", "caf\u{e9}\n").is_empty());
    }

    #[test]
    fn a_folder_of_one_machine_is_found_but_not_a_longer_path_that_ends_like_it() {
        let path = MACHINE_PATHS[0];
        assert_eq!(findings("a.md", &format!("see {path}x")).len(), 1);
        assert_eq!(findings("a.md", &format!("{path}x")).len(), 1);
        assert!(findings("a.md", &format!("see mnt{path}x")).is_empty());
    }

    #[test]
    fn a_module_named_after_nothing_is_found() {
        assert_eq!(findings("crates/a/src/utils.rs", "//! Owns a.\n").len(), 1);
    }
}
