//! Every package that is linked comes under a licence of the list in deny.toml.
//!
//! `cargo deny` checks more, where it is installed; this needs nothing but cargo.

use anyhow::{Context, Result, bail};

use super::metadata::Metadata;
use super::{Findings, Source};

/// Checks the licences of all packages against the list.
pub(super) fn check(metadata: &Metadata, sources: &[Source], findings: &mut Findings) -> Result<()> {
    let deny = sources
        .iter()
        .find(|source| source.path == "deny.toml")
        .and_then(|source| source.text.as_deref());
    let allowed = allowed(deny.context("deny.toml is missing")?)?;
    for package in metadata.packages.values() {
        let Some(licence) = &package.licence else {
            findings.add(&package.name, "names no licence");
            continue;
        };
        if !accepts(licence, &allowed) {
            findings.add(&package.name, format!("licence `{licence}` is not in deny.toml"));
        }
    }
    Ok(())
}

/// The strings of `allow = [ ... ]` under `[licenses]`.
fn allowed(deny: &str) -> Result<Vec<String>> {
    let section = deny
        .split("\n[licenses]")
        .nth(1)
        .context("deny.toml has no [licenses]")?;
    let list = section
        .split("\nallow = [")
        .nth(1)
        .context("[licenses] has no allow list")?;
    let list = list.split(']').next().unwrap_or_default();
    let names: Vec<String> = list.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    if names.is_empty() {
        bail!("the allow list of deny.toml is empty");
    }
    Ok(names)
}

/// Whether an SPDX expression can be satisfied with allowed licences only.
///
/// AND binds tighter than OR. An old form separates alternatives by `/`.
fn accepts(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let verdict = any_of(&mut rest, allowed);
    verdict && rest.is_empty()
}

fn any_of(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut verdict = all_of(words, allowed);
    while take(words, "OR") {
        // Evaluated before joining, so that the words are consumed either way.
        let other = all_of(words, allowed);
        verdict = verdict || other;
    }
    verdict
}

fn all_of(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut verdict = one(words, allowed);
    while take(words, "AND") {
        let other = one(words, allowed);
        verdict = verdict && other;
    }
    verdict
}

fn one(words: &mut &[&str], allowed: &[String]) -> bool {
    if take(words, "(") {
        let verdict = any_of(words, allowed);
        return take(words, ")") && verdict;
    }
    let Some((first, rest)) = words.split_first() else {
        return false;
    };
    *words = rest;
    let mut name = (*first).to_owned();
    if take(words, "WITH")
        && let Some((exception, rest)) = words.split_first()
    {
        name = format!("{name} WITH {exception}");
        *words = rest;
    }
    allowed.contains(&name)
}

fn take(words: &mut &[&str], word: &str) -> bool {
    let found = words.first() == Some(&word);
    if found {
        *words = &words[1..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = "[graph]\n\n[licenses]\nallow = [\n  \"MIT\", # why\n  \"Apache-2.0\",\n  \"Unicode-3.0\",\n]\n[bans]\n";

    #[test]
    fn the_list_is_read_from_its_section() {
        assert_eq!(allowed(DENY).unwrap(), ["MIT", "Apache-2.0", "Unicode-3.0"]);
    }

    #[test]
    fn expressions_are_judged_as_spdx_means_them() {
        let allowed = allowed(DENY).unwrap();
        for fine in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0/MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
        ] {
            assert!(accepts(fine, &allowed), "{fine}");
        }
        for not in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "Apache-2.0 WITH LLVM-exception",
            "",
            "MIT GPL-3.0",
            "(MIT",
        ] {
            assert!(!accepts(not, &allowed), "{not}");
        }
    }
}
