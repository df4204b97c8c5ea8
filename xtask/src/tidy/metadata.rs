//! The packages of the workspace and what they depend on, as cargo resolves it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::paths::Paths;
use crate::process::{cargo, output};

/// A package of the resolved graph.
pub(super) struct Package {
    pub(super) name: String,
    /// The SPDX expression of its manifest.
    pub(super) licence: Option<String>,
    /// Where it comes from; nothing for a path.
    pub(super) source: Option<String>,
    pub(super) is_member: bool,
    /// Ids of the packages that its normal and build dependencies resolve to.
    pub(super) normal: BTreeSet<String>,
    /// Ids of the packages that its dev-dependencies resolve to.
    pub(super) dev: BTreeSet<String>,
}

/// The resolved graph, by package id.
pub(super) struct Metadata {
    pub(super) packages: BTreeMap<String, Package>,
}

impl Metadata {
    /// Asks cargo, for this machine's platform only.
    pub(super) fn load(paths: &Paths) -> Result<Self> {
        let mut command = cargo(paths);
        command.args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--filter-platform",
            "x86_64-unknown-linux-gnu",
        ]);
        let value: Value =
            serde_json::from_str(&output(&mut command)?).context("cargo metadata printed no JSON")?;
        Self::from_json(&value)
    }

    /// Reads the JSON of `cargo metadata`.
    pub(super) fn from_json(value: &Value) -> Result<Self> {
        let members: BTreeSet<&str> = list(&value["workspace_members"])
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let mut packages = BTreeMap::new();
        for package in list(&value["packages"]) {
            let id = text(package, "id")?;
            let is_member = members.contains(id.as_str());
            packages.insert(
                id,
                Package {
                    name: text(package, "name")?,
                    licence: package["license"].as_str().map(str::to_owned),
                    source: package["source"].as_str().map(str::to_owned),
                    is_member,
                    normal: BTreeSet::new(),
                    dev: BTreeSet::new(),
                },
            );
        }
        for node in list(&value["resolve"]["nodes"]) {
            let id = text(node, "id")?;
            let package = packages
                .get_mut(&id)
                .with_context(|| format!("{id} is resolved but not listed"))?;
            for dependency in list(&node["deps"]) {
                let target = text(dependency, "pkg")?;
                let kinds = list(&dependency["dep_kinds"]);
                if kinds.iter().any(|kind| kind["kind"] != "dev") {
                    package.normal.insert(target.clone());
                }
                if kinds.iter().any(|kind| kind["kind"] == "dev") {
                    package.dev.insert(target);
                }
            }
        }
        Ok(Self { packages })
    }

    /// The members of the workspace.
    pub(super) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.values().filter(|package| package.is_member)
    }

    /// The names of the members among `ids`.
    pub(super) fn members_among<'a>(&'a self, ids: &'a BTreeSet<String>) -> impl Iterator<Item = &'a str> {
        ids.iter()
            .map(|id| &self.packages[id])
            .filter(|package| package.is_member)
            .map(|package| package.name.as_str())
    }

    /// The names of everything that `package` reaches through normal dependencies.
    pub(super) fn reached_by(&self, package: &Package) -> BTreeSet<&str> {
        let mut seen: BTreeSet<&String> = BTreeSet::new();
        let mut open: Vec<&String> = package.normal.iter().collect();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(&self.packages[id].normal);
            }
        }
        seen.iter().map(|id| self.packages[*id].name.as_str()).collect()
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value, field: &str) -> Result<String> {
    Ok(value[field]
        .as_str()
        .with_context(|| format!("cargo metadata lacks {field}"))?
        .to_owned())
}
