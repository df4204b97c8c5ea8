//! How the fields of messages are written: one trait, and two macros that spare its boilerplate.
//!
//! Owns: the encoding of every type that a message is made of. What is also kept in the log or in rows is encoded
//! there (`nokv_types::codec`) and only named here.
//!
//! Invariants: reading never panics, takes memory only for bytes that are there, and stops at the limits on
//! elements of one frame; there is one way to write a value, and any other is malformed.

mod admin;
mod basic;
mod bodies;
mod history;
mod tree;

pub(crate) use basic::Element;
pub(crate) use bodies::are_in_order;

use crate::limits::{ELEMENTS_MAX, EXTENTS_MAX};
use nokv_types::SessionId;
use nokv_types::codec::Take;
use std::ops::{Deref, DerefMut};

/// A field of a message.
pub(crate) trait Field: Sized {
    /// Appends the encoded value.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes a value; `None` when malformed.
    fn take(input: &mut Input<'_>) -> Option<Self>;
}

/// The bytes of a message, and what reading them may still use.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    take: Take<'a>,
    pub(crate) budget: Budget,
    /// The session that commands speak of without naming it.
    pub(crate) session: SessionId,
}

/// What the lists of one frame may still hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) elements: usize,
    pub(crate) extents: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            elements: ELEMENTS_MAX,
            extents: EXTENTS_MAX,
        }
    }
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            take: Take::new(bytes),
            budget: Budget::default(),
            session: SessionId(0),
        }
    }

    /// Reads a field.
    pub(crate) fn field<T: Field>(&mut self) -> Option<T> {
        T::take(self)
    }

    /// The number of elements of a list; they count from now on.
    pub(crate) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.take.varint()?).ok()?;
        // An element has at least one byte.
        if count > self.take.rest().len() {
            return None;
        }
        self.budget.elements = self.budget.elements.checked_sub(count)?;
        Some(count)
    }

    /// The next `len` bytes as an input of their own, with the same budget: give it back with [`Input::join`].
    pub(crate) fn split(&mut self, len: usize) -> Option<Input<'a>> {
        Some(Input {
            take: Take::new(self.take.raw(len)?),
            budget: self.budget,
            session: self.session,
        })
    }

    /// Takes back what a part did not use of the budget.
    pub(crate) fn join(&mut self, part: &Input<'_>) {
        self.budget = part.budget;
    }

    /// `Some` when everything was taken.
    pub(crate) fn finish(&self) -> Option<()> {
        self.take.is_empty().then_some(())
    }
}

impl<'a> Deref for Input<'a> {
    type Target = Take<'a>;

    fn deref(&self) -> &Take<'a> {
        &self.take
    }
}

impl DerefMut for Input<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.take
    }
}

/// Structs whose fields follow one another.
macro_rules! field_structs {
    ($($name:ident { $($field:ident),* $(,)? })*) => {$(
        impl crate::fields::Field for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $(crate::fields::Field::put(&self.$field, out);)*
            }

            fn take(input: &mut crate::fields::Input<'_>) -> Option<Self> {
                Some(Self { $($field: input.field()?,)* })
            }
        }
    )*};
}

/// Enums: a number, then the fields of the variant (`field: name to bind it to`, or its index in a tuple).
macro_rules! field_enums {
    ($($name:ident { $($tag:literal = $variant:ident { $($field:tt : $bind:ident),* },)* })*) => {$(
        impl crate::fields::Field for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant { $($field: $bind),* } => {
                        out.push($tag);
                        $(crate::fields::Field::put($bind, out);)*
                    })*
                }
            }

            fn take(input: &mut crate::fields::Input<'_>) -> Option<Self> {
                match input.u8()? {
                    $($tag => {
                        $(let $bind = input.field()?;)*
                        Some(Self::$variant { $($field: $bind),* })
                    })*
                    _ => None,
                }
            }
        }
    )*};
}

pub(crate) use {field_enums, field_structs};
