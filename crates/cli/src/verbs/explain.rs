//! `nokv explain`

use crate::advice::next_command;
use crate::context::Context;
use crate::failure::{Failure, Outcome, exit_of};
use crate::output::{Field, Record};
use clap::Args;
use nokv_types::{Code, Retry};

/// Says what an error code means.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The code: NOKV-E0002, or its name
    code: String,
}

impl Explain {
    pub(crate) fn run(self, context: &Context) -> Outcome {
        let number = self
            .code
            .trim_start_matches("NOKV-E")
            .parse()
            .ok()
            .and_then(Code::from_number);
        let named = || {
            Code::ALL
                .iter()
                .copied()
                .find(|code| code.name().eq_ignore_ascii_case(&self.code))
        };
        let code = number.or_else(named);
        let code = code.ok_or_else(|| Failure::usage(format!("{} is no code of a refusal", self.code)))?;
        let retry = match code.retry() {
            Retry::Never => "the same request gets the same answer",
            Retry::Same => "the same request may succeed later",
            Retry::AfterRefresh => "look the arguments up again first",
        };
        let record = Record::new()
            .with("code", Field::Text(format!("NOKV-E{:04}", code as u16)))
            .with("name", Field::Text(code.name().to_owned()))
            .with("meaning", Field::Text(format!("PATH {}", code.sentence())))
            .with("retry", Field::Text(retry.to_owned()))
            .with("exit", Field::Number(u64::from(exit_of(code))))
            .with("errno", Field::Number(u64::from(code.errno().unsigned_abs())))
            .with("try", Field::or_none(next_command(code, "/PATH"), Field::Text));
        context.out.record(&record)
    }
}
