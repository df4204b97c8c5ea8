//! `nokv quota`

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Record};
use clap::Args;
use nokv_client::Ack;
use nokv_types::{Command, QuotaLimits};
use std::ffi::OsString;

/// Shows what a directory's quota root has used; with limits, makes the directory a quota root.
#[derive(Debug, Args)]
pub(crate) struct Quota {
    /// Directory; / = the whole root
    #[arg(default_value = "/")]
    path: OsString,
    /// Most bytes of data: 10G, 500M, or none
    #[arg(long, value_name = "SIZE")]
    bytes: Option<String>,
    /// Most inodes: a number, or none
    #[arg(long, value_name = "N")]
    inodes: Option<String>,
}

impl Quota {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let place = context.place(&self.path)?;
        let node = context.found(&place)?.node;
        let client = context.client()?;
        if self.bytes.is_some() || self.inodes.is_some() {
            let standing = client.namespace().quota(node)?;
            let own = standing.quota == client.find(context.head(&place)?, &place.path)?.attr.quota;
            let old = if own {
                standing.limits
            } else {
                QuotaLimits::default()
            };
            let limits = QuotaLimits {
                bytes: limit(self.bytes.as_deref(), old.bytes)?,
                inodes: limit(self.inodes.as_deref(), old.inodes)?,
            };
            let set = Command::SetQuota { node, limits };
            client
                .change(set, Ack::Durable)
                .map_err(|error| error.about(place.to_string()))?;
        }
        let usage = client.namespace().quota(node)?;
        let record = Record::new()
            .with("path", Field::Bytes(place.path.to_bytes()))
            .with("quota", Field::Number(usage.quota.0))
            .with("bytes", Field::Size(usage.bytes))
            .with("limit_bytes", Field::or_none(usage.limits.bytes, Field::Size))
            .with("inodes", Field::Number(usage.inodes))
            .with("limit_inodes", Field::or_none(usage.limits.inodes, Field::Number));
        context.out.record(&record)
    }
}

/// The new limit: as it was when nothing is said, none for `none`.
fn limit(text: Option<&str>, standing: Option<u64>) -> Outcome<Option<u64>> {
    match text {
        None => Ok(standing),
        Some("none") => Ok(None),
        Some(text) => parse_size(text)
            .map(Some)
            .ok_or_else(|| Failure::usage(format!("{text} is not a number like 500M or 10G, nor none"))),
    }
}

/// A number with a binary unit.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match &text[digits.len()..] {
        "" | "B" => 0,
        "K" | "KiB" => 10,
        "M" | "MiB" => 20,
        "G" | "GiB" => 30,
        "T" | "TiB" => 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes_are_read_with_binary_units() {
        assert_eq!(parse_size("512"), Some(512));
        assert_eq!(parse_size("10G"), Some(10 << 30));
        assert_eq!(parse_size("1MiB"), Some(1 << 20));
        assert_eq!(parse_size("G"), None);
        assert_eq!(parse_size("10X"), None);
        assert_eq!(parse_size("99999999999T"), None);
    }
}
