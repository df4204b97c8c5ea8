//! Rules on Cargo.toml files.

use super::{Findings, Source};

const MANIFEST: &str = "Cargo.toml";
/// The tool's own manifest: a workspace of its own, with its own lints.
const OWN: &str = "xtask/Cargo.toml";

/// Checks the root manifest and those of the members.
pub(super) fn check(sources: &[Source], findings: &mut Findings) {
    for source in sources.iter().filter(|source| source.name() == MANIFEST) {
        let Some(text) = source.text.as_deref() else {
            continue;
        };
        if source.path == MANIFEST {
            reasons(&source.path, text, "[workspace.dependencies]", findings);
        } else if source.path == OWN {
            reasons(&source.path, text, "[dependencies]", findings);
        } else {
            inherits_lints(source, text, findings);
        }
    }
}

/// Each external dependency says on its line, or on the one above, why it is there.
fn reasons(path: &str, text: &str, table: &str, findings: &mut Findings) {
    let mut in_table = false;
    let mut explained_above = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            in_table = line.starts_with(table);
        } else if in_table && line.contains('=') && !line.starts_with('#') {
            let is_ours = line.contains("path =");
            if !is_ours && !explained_above && !line.contains(" #") {
                findings.add(
                    &format!("{path}:{}", number + 1),
                    "a dependency without the reason for it",
                );
            }
        }
        explained_above = line.starts_with('#');
    }
}

fn inherits_lints(source: &Source, text: &str, findings: &mut Findings) {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let found = lines.any(|line| line == "[lints]") && lines.next() == Some("workspace = true");
    if !found {
        findings.add(&source.path, "lacks `[lints] workspace = true`");
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
    fn a_dependency_wants_a_reason_beside_or_above_it() {
        let with = "[workspace.dependencies]\na = \"1\"  # why\n# why\nb = \"1\"\nours = { path = \"x\" }\n[other]\nc = 1\n";
        assert!(findings("Cargo.toml", with).is_empty());
        let without = "[workspace.dependencies]\n# why\na = \"1\"\nb = \"1\"\n";
        assert_eq!(
            findings("Cargo.toml", without),
            ["Cargo.toml:4: a dependency without the reason for it"]
        );
    }

    #[test]
    fn a_member_inherits_the_lints() {
        assert!(findings("crates/a/Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n").is_empty());
        assert_eq!(
            findings(
                "crates/a/Cargo.toml",
                "[package]\n[lints]\n[dependencies]\nworkspace = true\n"
            )
            .len(),
            1
        );
    }
}
