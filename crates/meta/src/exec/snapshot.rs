//! Snapshot pins: made, held by several, released, ended.

use crate::batch::Batch;
use crate::exec::timelines::check_key;
use crate::keys::{Family, Key};
use crate::read::pin_info;
use crate::rows::{PinRow, Record};
use crate::{Error, Result};
use nokv_store::Rows;
use nokv_types::{Code, EventKind, Node, Outcome, ReadPoint, Refusal, show_bytes};

/// Most pins of a workspace.
pub(crate) const PINS_MAX: usize = 65_536;
/// Most holders of one pin.
pub(crate) const HOLDERS_MAX: usize = nokv_types::PIN_HOLDERS_MAX;
/// How long the state is kept that a rollback or promote replaced, ns.
pub(crate) const KEEP_NS: u64 = 24 * 3_600 * 1_000_000_000;

impl<R: Rows> Batch<'_, R> {
    /// Pins the subtree at `node` as it is now; a pin of this key that is there already gets the holder.
    pub(crate) fn snapshot_create(
        &mut self,
        key: &[u8],
        node: Node,
        holder: &[u8],
        lease_ns: Option<u64>,
    ) -> Result<Outcome> {
        check_key(key)?;
        check_key(holder)?;
        if let Some(pin) = self.pin_row_if_there(key)? {
            return self.snapshot_join(key, pin, (node, holder, lease_ns));
        }
        self.check_live(node.timeline)?;
        self.open_dir(node)?;
        self.check_pins(key)?;
        self.flush_touched()?;
        let row = self.add_pin(key, node, holder, lease_ns);
        self.root_event(EventKind::Snapshot, node, key);
        Ok(Outcome::Pin(pin_info(key, row)))
    }

    /// Adds a holder to a pin, or extends the lease of the one that asks again.
    fn snapshot_join(
        &mut self,
        key: &[u8],
        mut pin: PinRow,
        (node, holder, lease_ns): (Node, &[u8], Option<u64>),
    ) -> Result<Outcome> {
        if (pin.timeline, pin.ino) != (node.timeline, node.ino) {
            let refusal = Refusal::new(Code::Conflict, format!("snapshot {}", show_bytes(key)));
            return Err(refusal.detail("the key pins another directory or state").into());
        }
        let before = pin.clone();
        if !pin.holders.iter().any(|held| held == holder) {
            if pin.holders.len() >= HOLDERS_MAX {
                return Err(
                    Refusal::new(Code::TooMany, format!("snapshot {}", show_bytes(key)))
                        .detail("it has 64 holders")
                        .into(),
                );
            }
            pin.holders.push(holder.to_vec());
        }
        (pin.expires, pin.lease) = match (self.state.leases.end(key), lease_ns) {
            (Some(old), Some(lease)) => {
                let new = self.clock.log_ns.saturating_add(lease);
                let lease = if new >= old { lease } else { pin.lease };
                (Some(old.max(new)), lease)
            }
            _ => (None, 0),
        };
        if pin != before {
            self.state.leases.put(key, &pin);
            self.txn.put(pin_key(key), pin.encode());
        }
        Ok(Outcome::Pin(pin_info(key, pin)))
    }

    /// Takes a holder away; the pin goes with its last one.
    pub(crate) fn snapshot_release(&mut self, key: &[u8], holder: &[u8]) -> Result<Outcome> {
        let mut pin = self.pin_row(key)?;
        let Some(at) = pin.holders.iter().position(|held| held == holder) else {
            let refusal = Refusal::new(Code::Conflict, format!("snapshot {}", show_bytes(key)));
            return Err(refusal
                .detail(format!("{} does not hold it", show_bytes(holder)))
                .into());
        };
        if pin.holders.len() == 1 {
            self.drop_pin(key, &pin)?;
        } else {
            pin.holders.remove(at);
            self.txn.put(pin_key(key), pin.encode());
        }
        Ok(Outcome::Done)
    }

    /// Refuses when no further pin may be made, or not under this key.
    pub(crate) fn check_pins(&self, key: &[u8]) -> Result<()> {
        if self.pin_row_if_there(key)?.is_some() {
            let refusal = Refusal::new(Code::Exists, format!("snapshot {}", show_bytes(key)));
            return Err(refusal.into());
        }
        if self.state.leases.pins() >= PINS_MAX {
            return Err(Refusal::new(Code::TooMany, show_bytes(key))
                .detail("there are 65536 snapshots")
                .into());
        }
        Ok(())
    }

    /// Pins what a root shows now, before it is pointed elsewhere; whoever names the key can release it.
    pub(crate) fn keep_replaced(&mut self, key: &[u8], node: Node) {
        self.add_pin(key, node, key, Some(KEEP_NS));
    }

    fn add_pin(&mut self, key: &[u8], node: Node, holder: &[u8], lease_ns: Option<u64>) -> PinRow {
        let at = ReadPoint {
            timeline: node.timeline,
            version: self.version,
        };
        let row = PinRow {
            timeline: at.timeline,
            version: at.version,
            ino: node.ino,
            holders: vec![holder.to_vec()],
            expires: lease_ns.map(|lease| self.clock.log_ns.saturating_add(lease)),
            lease: lease_ns.unwrap_or(0),
            created_wall: self.clock.wall_ns,
        };
        self.hold(at);
        self.state.leases.put(key, &row);
        self.txn.put(pin_key(key), row.encode());
        row
    }

    fn drop_pin(&mut self, key: &[u8], pin: &PinRow) -> Result<()> {
        self.txn.delete(pin_key(key));
        self.state.leases.remove(key);
        let at = ReadPoint {
            timeline: pin.timeline,
            version: pin.version,
        };
        self.unhold(at)?;
        self.root_event(EventKind::Snapshot, Node::new(pin.timeline, pin.ino), key);
        Ok(())
    }

    /// Ends pins whose lease is over, at most `max`; answers how many.
    pub(crate) fn end_pins(&mut self, max: usize) -> Result<usize> {
        let mut ended = 0;
        while ended < max
            && let Some(key) = self.state.leases.ended(self.clock.log_ns)
        {
            let pin = self
                .pin_row_if_there(&key)?
                .ok_or_else(|| Error::corrupt("a leased pin has no row", show_bytes(&key)))?;
            self.drop_pin(&key, &pin)?;
            ended += 1;
        }
        Ok(ended)
    }
}

pub(crate) fn pin_key(key: &[u8]) -> Vec<u8> {
    Key::new(Family::Pin).bytes(key).done()
}
