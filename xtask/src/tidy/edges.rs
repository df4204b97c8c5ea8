//! Who may depend on whom: the table of docs/architecture.md.
//!
//! A new line or edge here is an architecture change and wants an ADR.

use super::Findings;
use super::metadata::{Metadata, Package};

/// What one crate may name in its manifest.
struct Edges {
    package: &'static str,
    may_use: &'static [&'static str],
}

/// Bottom first. `nokv-testkit` may be a dev-dependency of any.
const EDGES: &[Edges] = &[
    Edges {
        package: "nokv-types",
        may_use: &[],
    },
    Edges {
        package: "nokv-store",
        may_use: &["nokv-types"],
    },
    Edges {
        package: "nokv-meta",
        may_use: &["nokv-types", "nokv-store"],
    },
    Edges {
        package: "nokv-object",
        may_use: &["nokv-types"],
    },
    Edges {
        package: "nokv-journal",
        may_use: &["nokv-types", "nokv-store", "nokv-meta", "nokv-object"],
    },
    Edges {
        package: "nokv-protocol",
        may_use: &["nokv-types"],
    },
    Edges {
        package: "nokv-client",
        may_use: &["nokv-types", "nokv-protocol"],
    },
    Edges {
        package: "nokv-metad",
        may_use: &[
            "nokv-types",
            "nokv-store",
            "nokv-meta",
            "nokv-journal",
            "nokv-object",
            "nokv-protocol",
            "nokv-client",
        ],
    },
    Edges {
        package: "nokv-cli",
        may_use: &["nokv-types", "nokv-client", "nokv-metad"],
    },
    Edges {
        package: "nokv-testkit",
        may_use: &["nokv-types", "nokv-store", "nokv-object"],
    },
    Edges {
        package: "nokv-bench",
        may_use: &[
            "nokv-types",
            "nokv-store",
            "nokv-meta",
            "nokv-journal",
            "nokv-object",
            "nokv-client",
            "nokv-metad",
            "nokv-testkit",
        ],
    },
];

/// Any crate's tests may use it.
const TESTKIT: &str = "nokv-testkit";

/// What a crate must not name itself.
const FORBIDDEN_DIRECT: &[(&str, &[&str])] = &[("nokv-meta", &["holt"])];

/// What a crate must not reach through any chain of normal dependencies.
const FORBIDDEN_REACH: &[(&str, &[&str])] = &[
    ("nokv-meta", &["tokio", "tonic"]),
    (
        "nokv-client",
        &["nokv-object", "nokv-meta", "nokv-store", "holt", "aws-sdk-s3"],
    ),
];

/// Checks the table against what cargo resolved.
pub(super) fn check(metadata: &Metadata, findings: &mut Findings) {
    for package in metadata.members() {
        match EDGES.iter().find(|edges| edges.package == package.name) {
            Some(edges) => declared(metadata, package, edges.may_use, findings),
            None => findings.add(
                &package.name,
                "is in the workspace but not in xtask's table of edges",
            ),
        }
        forbidden(metadata, package, findings);
        if package.source.is_some() {
            findings.add(&package.name, "a member that does not come from a path");
        }
    }
    for package in metadata.packages.values() {
        if package
            .source
            .as_deref()
            .is_some_and(|source| source.starts_with("git+"))
        {
            findings.add(
                &package.name,
                "comes from git: only released versions are depended on",
            );
        }
    }
}

fn declared(metadata: &Metadata, package: &Package, may_use: &[&str], findings: &mut Findings) {
    for used in metadata.members_among(&package.normal) {
        if !may_use.contains(&used) {
            findings.add(
                &package.name,
                format!("depends on {used}, which docs/architecture.md does not allow"),
            );
        }
    }
    for used in metadata.members_among(&package.dev) {
        // A crate that depends on itself turns on its own features for its tests.
        if used != TESTKIT && used != package.name && !may_use.contains(&used) {
            findings.add(
                &package.name,
                format!("its tests depend on {used}, which docs/architecture.md does not allow"),
            );
        }
    }
}

fn forbidden(metadata: &Metadata, package: &Package, findings: &mut Findings) {
    let rules = |table: &[(&str, &'static [&'static str])]| -> Vec<&'static str> {
        table
            .iter()
            .filter(|(name, _)| *name == package.name)
            .flat_map(|(_, names)| names.iter().copied())
            .collect()
    };
    let direct: Vec<&str> = package
        .normal
        .iter()
        .map(|id| metadata.packages[id].name.as_str())
        .collect();
    for name in rules(FORBIDDEN_DIRECT) {
        if direct.contains(&name) {
            findings.add(&package.name, format!("must not depend on {name}"));
        }
    }
    let reached = metadata.reached_by(package);
    for name in rules(FORBIDDEN_REACH) {
        if reached.contains(name) {
            findings.add(&package.name, format!("must not reach {name}, by whatever chain"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A graph of members, each with its normal dependencies; names that start with `+` are no members.
    fn graph(edges: &[(&str, &[&str])]) -> Metadata {
        let package = |name: &str| json!({"id": name, "name": name, "source": Value::Null});
        let node = |(name, uses): &(&str, &[&str])| {
            let deps: Vec<Value> = uses
                .iter()
                .map(|used| json!({"pkg": used, "dep_kinds": [{"kind": Value::Null}]}))
                .collect();
            json!({"id": name, "deps": deps})
        };
        let members: Vec<&str> = edges
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| name.starts_with("nokv"))
            .collect();
        let value = json!({
            "workspace_members": members,
            "packages": edges.iter().map(|(name, _)| package(name)).collect::<Vec<_>>(),
            "resolve": {"nodes": edges.iter().map(node).collect::<Vec<_>>()},
        });
        Metadata::from_json(&value).unwrap()
    }

    fn findings(edges: &[(&str, &[&str])]) -> Vec<String> {
        let mut findings = Findings::default();
        check(&graph(edges), &mut findings);
        findings.0
    }

    #[test]
    fn a_declared_edge_is_fine() {
        assert!(findings(&[("nokv-types", &[]), ("nokv-store", &["nokv-types"])]).is_empty());
    }

    #[test]
    fn an_edge_that_points_up_is_found() {
        let found = findings(&[("nokv-store", &[]), ("nokv-types", &["nokv-store"])]);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn a_forbidden_crate_is_found_behind_another() {
        let found = findings(&[("tokio", &[]), ("helper", &["tokio"]), ("nokv-meta", &["helper"])]);
        assert_eq!(found, ["nokv-meta: must not reach tokio, by whatever chain"]);
    }

    #[test]
    fn the_engine_is_allowed_behind_the_store_but_not_beside_it() {
        let behind = [
            ("holt", &[][..]),
            ("nokv-store", &["holt"]),
            ("nokv-meta", &["nokv-store"]),
        ];
        assert!(findings(&behind).is_empty());
        assert_eq!(findings(&[("holt", &[]), ("nokv-meta", &["holt"])]).len(), 1);
    }

    #[test]
    fn a_member_outside_the_table_is_found() {
        assert_eq!(findings(&[("nokv-unheard-of", &[])]).len(), 1);
    }
}
