//! What a publish would be refused for, asked before a byte of the body is stored: a refused one leaves no objects.
//!
//! Owns: questions only. The namespace decides again when the command runs; what changed in between is refused
//! there.

use super::PublishOptions;
use super::compact::head;
use crate::client::Client;
use crate::upload::BodySource;
use crate::{Error, Found, Result};
use nokv_types::{
    Attr, Code, FileKind, INLINE_BYTES_MAX, Node, QuotaId, QuotaUsage, Refusal, Target, Version, show_bytes,
    show_size,
};

/// What a body would come to.
struct Standing {
    /// The inode that is charged, or the directory whose quota root would be.
    charged: Node,
    /// Bytes of data that the new body replaces.
    replaced: u64,
    /// Inodes that are made.
    inodes: u64,
}

impl Client {
    /// Refuses what [`nokv_types::Command::Publish`] would refuse and what is known without the body: a name that
    /// is taken, something that is no file, another generation, a quota that a body of known size does not fit.
    pub(super) fn check_publish(
        &self,
        target: &Target,
        source: &mut dyn BodySource,
        options: &PublishOptions,
    ) -> Result<()> {
        let standing = match target {
            Target::Node(node) => {
                let attr = self.namespace().getattr(head(*node), node.ino)?;
                over(*node, &attr, options.expect)?
            }
            Target::Name {
                parent,
                name,
                create_only,
                ..
            } => match self.namespace().lookup(head(*parent), parent.ino, name) {
                Ok(_) if *create_only => {
                    return Err(Error::refused(Code::Exists, show_bytes(name.as_bytes())));
                }
                Ok(Found { node, attr }) => over(node, &attr, options.expect)?,
                Err(error) if error.code() == Some(Code::NotFound) => {
                    check_generation(0, Version::ZERO, options.expect)?;
                    Standing {
                        charged: *parent,
                        replaced: 0,
                        inodes: 1,
                    }
                }
                Err(error) => return Err(error),
            },
        };
        self.check_room(&standing, source)
    }

    /// Refuses what publishing a new file would be refused for, before the directories are made that are to hold it.
    /// `above` is the directory that is there already; `inodes` = the file and the directories.
    pub fn check_publish_below(
        &self,
        above: Node,
        inodes: u64,
        source: &mut dyn BodySource,
        options: &PublishOptions,
    ) -> Result<()> {
        check_generation(0, Version::ZERO, options.expect)?;
        let standing = Standing {
            charged: above,
            replaced: 0,
            inodes,
        };
        self.check_room(&standing, source)
    }

    /// Refuses to append to what has no body, and bytes of known size that do not fit.
    pub(super) fn check_append(&self, node: Node, source: &mut dyn BodySource) -> Result<()> {
        let attr = self.namespace().getattr(head(node), node.ino)?;
        let mut standing = over(node, &attr, None)?;
        standing.replaced = 0;
        self.check_room(&standing, source)
    }

    fn check_room(&self, standing: &Standing, source: &mut dyn BodySource) -> Result<()> {
        for usage in self.charged(standing.charged)? {
            let inodes = usage.inodes.saturating_add(standing.inodes);
            if standing.inodes > 0 && usage.limits.inodes.is_some_and(|limit| inodes > limit) {
                return Err(exceeded(&usage, None));
            }
            let Some(limit) = usage.limits.bytes else { continue };
            let room = limit.saturating_sub(usage.bytes) + standing.replaced;
            // What travels in a row leaves no object: the namespace refuses it by itself.
            let enough = room.max(INLINE_BYTES_MAX as u64);
            let data = source
                .data_bytes(enough)
                .map_err(|source| Error::local("read", "the body", source))?;
            if data.is_some_and(|data| data > enough) {
                return Err(exceeded(&usage, source.known_size()));
            }
        }
        Ok(())
    }

    /// The quota roots that a change of `node` is charged to: its own, and the workspace.
    fn charged(&self, node: Node) -> Result<Vec<QuotaUsage>> {
        let own = self.namespace().quota(node)?;
        let mut all = vec![own];
        let limits = self.namespace().statfs()?.limits;
        if own.quota != QuotaId::WORKSPACE && (limits.bytes.is_some() || limits.inodes.is_some()) {
            let roots = self.namespace().roots()?;
            if let Some(root) = roots.iter().find(|root| root.node.timeline == node.timeline) {
                let whole = self.namespace().quota(root.node)?;
                all.extend(Some(whole).filter(|whole| whole.quota == QuotaId::WORKSPACE));
            }
        }
        Ok(all)
    }
}

/// A file that gets another body.
fn over(node: Node, attr: &Attr, expect: Option<Version>) -> Result<Standing> {
    let subject = format!("inode {}", node.ino.0);
    match attr.kind {
        FileKind::File => check_generation(node.ino.0, attr.generation, expect)?,
        FileKind::Directory => return Err(Error::refused(Code::IsADirectory, subject)),
        _ => {
            let refusal = Refusal::new(Code::WrongKind, subject);
            return Err(refusal.detail("only a regular file has a body").into());
        }
    }
    Ok(Standing {
        charged: node,
        replaced: attr.allocated,
        inodes: 0,
    })
}

fn check_generation(ino: u64, found: Version, expect: Option<Version>) -> Result<()> {
    let Some(expect) = expect.filter(|expect| *expect != found) else {
        return Ok(());
    };
    let detail = format!("its generation is {} and not {}", found.0, expect.0);
    Err(Refusal::new(Code::Conflict, format!("inode {ino}"))
        .detail(detail)
        .into())
}

fn exceeded(usage: &QuotaUsage, size: Option<u64>) -> Error {
    let code = if usage.quota == QuotaId::WORKSPACE {
        Code::NoSpace
    } else {
        Code::QuotaExceeded
    };
    let bytes = usage.limits.bytes.map_or("no limit".to_owned(), show_size);
    let inodes = usage
        .limits
        .inodes
        .map_or("no limit".to_owned(), |n| n.to_string());
    let body = size.map_or_else(String::new, |size| format!("; the body has {}", show_size(size)));
    Refusal::new(code, format!("quota {}", usage.quota.0))
        .detail(format!(
            "{} of {bytes} and {} of {inodes} inodes are used{body}",
            show_size(usage.bytes),
            usage.inodes
        ))
        .into()
}
