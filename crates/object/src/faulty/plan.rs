//! Which call fails, and how.

use std::collections::{BTreeMap, VecDeque};

use super::{Fault, FaultRates};
use crate::{Op, SplitMix};

#[derive(Debug)]
pub(crate) struct Plan {
    rng: SplitMix,
    rates: FaultRates,
    scripted: VecDeque<(Op, Fault)>,
    injected: BTreeMap<Fault, u64>,
}

impl Plan {
    pub(crate) fn new(seed: u64, rates: FaultRates) -> Self {
        Self {
            rng: SplitMix::new(seed),
            rates,
            scripted: VecDeque::new(),
            injected: BTreeMap::new(),
        }
    }

    pub(crate) fn script(&mut self, op: Op, fault: Fault) {
        self.scripted.push_back((op, fault));
    }

    pub(crate) fn injected(&self, fault: Fault) -> u64 {
        self.injected.get(&fault).copied().unwrap_or(0)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.rng.below(bound)
    }

    /// What this call suffers.
    pub(crate) fn draw(&mut self, op: Op) -> Option<Fault> {
        let next = self.scripted.iter().position(|(scripted, _)| *scripted == op);
        let number = self.rng.below(1000);
        let fault = match next.and_then(|index| self.scripted.remove(index)) {
            Some((_, fault)) => Some(fault),
            None => self.rates.pick(op, number),
        };
        if let Some(fault) = fault {
            *self.injected.entry(fault).or_default() += 1;
        }
        fault
    }
}
