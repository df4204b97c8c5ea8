//! Rules on docs/adr: numbered without gaps, each with the same four sections.

use super::{Findings, Source};

const FOLDER: &str = "docs/adr/";
const SECTIONS: &[&str] = &["## Context", "## Decision", "## Figures", "## Consequences"];

/// Checks the records of decisions.
pub(super) fn check(sources: &[Source], findings: &mut Findings) {
    let mut records: Vec<(&str, &Source)> = sources
        .iter()
        .filter_map(|source| Some((source.path.strip_prefix(FOLDER)?, source)))
        .collect();
    records.sort_by_key(|(name, _)| *name);
    for (index, (name, source)) in records.iter().enumerate() {
        let expected = format!("{:04}-", index + 1);
        if !name.starts_with(&expected) || !source.has_extension(&["md"]) {
            findings.add(
                &source.path,
                format!("the next record is named {expected}title.md"),
            );
        }
        let text = source.text.as_deref().unwrap_or_default();
        for section in SECTIONS {
            if !text.lines().any(|line| line.trim_end() == *section) {
                findings.add(&source.path, format!("lacks the section `{section}`"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, sections: &[&str]) -> Source {
        Source {
            path: format!("{FOLDER}{name}"),
            text: Some(sections.join("\n\ntext\n\n")),
        }
    }

    fn findings(records: &[Source]) -> Vec<String> {
        let mut findings = Findings::default();
        check(records, &mut findings);
        findings.0
    }

    #[test]
    fn dense_and_complete_records_are_fine() {
        assert!(findings(&[record("0001-a.md", SECTIONS), record("0002-b.md", SECTIONS)]).is_empty());
    }

    #[test]
    fn a_gap_and_a_number_used_twice_are_found() {
        assert_eq!(
            findings(&[record("0001-a.md", SECTIONS), record("0003-b.md", SECTIONS)]).len(),
            1
        );
        assert_eq!(
            findings(&[record("0001-a.md", SECTIONS), record("0001-b.md", SECTIONS)]).len(),
            1
        );
    }

    #[test]
    fn a_missing_section_is_named() {
        let found = findings(&[record("0001-a.md", &SECTIONS[..3])]);
        assert_eq!(found, ["docs/adr/0001-a.md: lacks the section `## Consequences`"]);
    }
}
