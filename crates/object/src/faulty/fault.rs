//! The ways to fail, and how often.

use crate::Op;

/// One way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The store asks for less load (503); nothing happened.
    Throttle,
    /// No connection; nothing happened.
    Unreachable,
    /// The request is lost on its way; nothing happened, and the caller cannot know.
    NoAnswer,
    /// The change happened, its answer is lost.
    LostAnswer,
    /// The put is held back and arrives at [`super::FaultyStore::land_late`], perhaps after a deletion.
    Late,
    /// Another writer puts other bytes first.
    Race,
    /// The body of a read ends early, and the transport notices.
    CutRead,
    /// A bit of a read is wrong, and nobody notices.
    FlipBit,
    /// The end of a read is missing, and nobody notices.
    Truncate,
    /// No space left.
    Full,
    /// Access is refused.
    Denied,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Fault; 11] = [
        Fault::Throttle,
        Fault::Unreachable,
        Fault::NoAnswer,
        Fault::LostAnswer,
        Fault::Late,
        Fault::Race,
        Fault::CutRead,
        Fault::FlipBit,
        Fault::Truncate,
        Fault::Full,
        Fault::Denied,
    ];

    /// Whether a call of this kind can fail so.
    pub fn applies_to(self, op: Op) -> bool {
        match self {
            Self::Throttle | Self::Unreachable | Self::NoAnswer | Self::Denied => true,
            Self::LostAnswer => op.mutates(),
            Self::Late | Self::Race | Self::Full => matches!(op, Op::PutIfAbsent | Op::PutIfMatch),
            Self::CutRead | Self::FlipBit | Self::Truncate => matches!(op, Op::Get | Op::GetRange),
        }
    }
}

/// How often each fault is injected, in calls out of 1,000 of those it applies to.
#[derive(Clone, Debug, Default)]
pub struct FaultRates(Vec<(Fault, u32)>);

impl FaultRates {
    /// No fault by chance.
    pub fn none() -> Self {
        Self::default()
    }

    /// The faults that sending again can heal, each this often.
    pub fn passing(per_mille: u32) -> Self {
        let faults = [
            Fault::Throttle,
            Fault::Unreachable,
            Fault::NoAnswer,
            Fault::LostAnswer,
            Fault::CutRead,
        ];
        faults
            .into_iter()
            .fold(Self::none(), |rates, fault| rates.with(fault, per_mille))
    }

    /// The same, and this fault this often.
    #[must_use]
    pub fn with(mut self, fault: Fault, per_mille: u32) -> Self {
        self.0.push((fault, per_mille));
        self
    }

    /// The fault that a number below 1,000 stands for.
    pub(crate) fn pick(&self, op: Op, number: u64) -> Option<Fault> {
        let mut bound = 0;
        self.0
            .iter()
            .filter(|(fault, _)| fault.applies_to(op))
            .find_map(|(fault, per_mille)| {
                bound += u64::from(*per_mille);
                (number < bound).then_some(*fault)
            })
    }
}
