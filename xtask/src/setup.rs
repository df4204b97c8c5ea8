//! One list of what a machine needs, and getting what is missing.
//!
//! Invariant: a machine that has everything is left alone and waits less than a second.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::minio;
use crate::paths::Paths;
use crate::process::{command, must, succeeds};

/// A Debian package, recognised by a program that it brings.
struct Package {
    name: &'static str,
    program: &'static str,
    why: &'static str,
}

/// Needed to build.
const BUILD_PACKAGES: &[Package] = &[
    Package {
        name: "build-essential",
        program: "cc",
        why: "links the binaries, compiles zstd, xz and SQLite",
    },
    Package {
        name: "cmake",
        program: "cmake",
        why: "builds the TLS library of the S3 client",
    },
    Package {
        name: "xz-utils",
        program: "xz",
        why: "unpacks the corpus",
    },
];

/// Needed to run the tests.
const TEST_PACKAGES: &[Package] = &[
    Package {
        name: "git",
        program: "git",
        why: "lists the files that tidy reads",
    },
    Package {
        name: "e2fsprogs",
        program: "mkfs.ext4",
        why: "power cuts are made on a loop-mounted ext4",
    },
    Package {
        name: "mount",
        program: "losetup",
        why: "attaches that ext4",
    },
    Package {
        name: "strace",
        program: "strace",
        why: "injects errors into system calls",
    },
];

/// Tools of the toolchain that a minimal installation lacks.
const COMPONENTS: &[(&str, &str)] = &[("rustfmt", "cargo-fmt"), ("clippy", "cargo-clippy")];

/// What the tests are told about the tools that were made ready.
pub(crate) struct Tools {
    /// The MinIO server, for `NOKV_TEST_MINIO`.
    pub(crate) minio: PathBuf,
}

/// Makes the machine ready to build.
pub(crate) fn for_build(paths: &Paths) -> Result<()> {
    packages(paths, BUILD_PACKAGES.iter())
}

/// Makes the machine ready to build, check and test.
pub(crate) fn for_tests(paths: &Paths) -> Result<Tools> {
    packages(paths, BUILD_PACKAGES.iter().chain(TEST_PACKAGES))?;
    components(paths)?;
    let minio = minio::ready(paths)?;
    println!("setup: ready; NOKV_TEST_MINIO={}", minio.display());
    Ok(Tools { minio })
}

fn packages<'a>(paths: &Paths, wanted: impl Iterator<Item = &'a Package>) -> Result<()> {
    let missing: Vec<&Package> = wanted
        .filter(|package| find_program(package.program).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    for package in &missing {
        println!("setup: {} is missing: {}", package.name, package.why);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    let by_hand = format!("apt-get install {}", names.join(" "));
    if find_program("apt-get").is_none() || !is_root(&paths.root)? {
        bail!("install what is missing first; on Debian, as root: {by_hand}");
    }
    let mut update = command("apt-get", &paths.root);
    if !succeeds(update.args(["update", "-qq"]))? {
        println!("setup: the package lists could not be refreshed; trying with those that are there");
    }
    let mut install = command("apt-get", &paths.root);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    install
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(&names);
    if !succeeds(&mut install)? {
        bail!("the packages cannot be had from this machine; install them yourself: {by_hand}");
    }
    match missing
        .iter()
        .find(|package| find_program(package.program).is_none())
    {
        Some(package) => bail!(
            "{} is installed, but {} is still not found",
            package.name,
            package.program
        ),
        None => Ok(()),
    }
}

fn components(paths: &Paths) -> Result<()> {
    let missing: Vec<&str> = COMPONENTS
        .iter()
        .filter(|(_, program)| find_program(program).is_none())
        .map(|(name, _)| *name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if find_program("rustup").is_none() {
        bail!(
            "the Rust toolchain lacks {}; install them with your distribution's packages",
            missing.join(" and ")
        );
    }
    must(
        command("rustup", &paths.root)
            .args(["component", "add"])
            .args(&missing),
    )
}

fn is_root(dir: &Path) -> Result<bool> {
    Ok(crate::process::output(command("id", dir).arg("-u"))?.trim() == "0")
}

/// The path of a program; system folders count even when PATH omits them.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|candidate| candidate.is_file())
}
