//! `nokv quota`

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Field, Record};
use crate::size::parse_size;
use clap::Args;
use nokv_client::Ack;
use nokv_types::{Command, QuotaLimits};
use std::ffi::OsString;

/// Show or set limits of bytes and inodes
///
/// Shows what a directory's quota root has used; with limits, makes the directory a quota root.
#[derive(Debug, Args)]
pub(crate) struct Quota {
    /// Directory; / = the whole root
    #[arg(default_value = "/", add = crate::complete::places())]
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
            .with("counting", Field::Flag(usage.counting))
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
