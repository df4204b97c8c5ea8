//! Rows of a benchmark: medians, ratios against what ran beside, and whether the bar holds.

use crate::machine::{Machine, load};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::path::Path;

/// Which side of the bar is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Good {
    More,
    Less,
}

/// What a figure is held to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum Bar {
    /// The value itself.
    Value(Good, f64),
    /// The ratio against what ran beside.
    Ratio(Good, f64),
    /// Nothing: for information.
    None,
}

/// One figure of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) value: f64,
    /// The same measured beside it, on what it is compared with.
    pub(crate) baseline: Option<f64>,
    pub(crate) bar: Bar,
}

impl Sample {
    pub(crate) fn new(name: impl Into<String>, unit: &str, value: f64, bar: Bar) -> Self {
        Self {
            name: name.into(),
            unit: unit.to_owned(),
            value,
            baseline: None,
            bar,
        }
    }

    pub(crate) fn beside(mut self, baseline: f64) -> Self {
        self.baseline = Some(baseline);
        self
    }
}

/// One figure over all runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) value: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) runs: usize,
    pub(crate) baseline: Option<f64>,
    pub(crate) ratio: Option<f64>,
    pub(crate) bar: String,
    pub(crate) holds: Option<bool>,
}

impl Row {
    fn of(samples: &[Sample]) -> Option<Self> {
        let first = samples.first()?;
        let values: Vec<f64> = samples.iter().map(|sample| sample.value).collect();
        let baselines: Vec<f64> = samples.iter().filter_map(|sample| sample.baseline).collect();
        let ratios: Vec<f64> = samples
            .iter()
            .filter_map(|sample| Some(sample.value / sample.baseline?))
            .collect();
        let value = median(&values)?;
        let ratio = median(&ratios);
        let holds = |good, figure: f64, bar| {
            if good == Good::More {
                figure >= bar
            } else {
                figure <= bar
            }
        };
        let sign = |good| if good == Good::More { ">=" } else { "<=" };
        let (bar, holds) = match first.bar {
            Bar::None => (String::new(), None),
            Bar::Value(good, bar) => (format!("{} {bar}", sign(good)), Some(holds(good, value, bar))),
            Bar::Ratio(good, bar) => (
                format!("ratio {} {bar}", sign(good)),
                Some(ratio.is_some_and(|ratio| holds(good, ratio, bar))),
            ),
        };
        Some(Self {
            name: first.name.clone(),
            unit: first.unit.clone(),
            value,
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            runs: samples.len(),
            baseline: median(&baselines),
            ratio,
            bar,
            holds,
        })
    }
}

/// A whole suite, as it is written to `bench/out/SUITE.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Suite {
    #[serde(rename = "suite")]
    pub(crate) name: String,
    pub(crate) commit: String,
    pub(crate) when: u64,
    pub(crate) machine: Machine,
    pub(crate) load: (f64, f64),
    pub(crate) rows: Vec<Row>,
}

impl Suite {
    pub(crate) fn begin(suite: &str, dir: &Path) -> Self {
        Self {
            name: suite.to_owned(),
            commit: std::env::var("NOKV_COMMIT").unwrap_or_else(|_| "unknown".to_owned()),
            when: crate::clock::unix_seconds(),
            machine: Machine::read(dir),
            load: (load(), 0.0),
            rows: Vec::new(),
        }
    }

    /// Joins the runs of one part: rows in the order of the first run.
    pub(crate) fn add(&mut self, runs: &[Vec<Sample>]) {
        let Some(first) = runs.first() else { return };
        for sample in first {
            let same: Vec<Sample> = runs
                .iter()
                .flatten()
                .filter(|other| other.name == sample.name)
                .cloned()
                .collect();
            self.rows.extend(Row::of(&same));
        }
    }

    /// Writes the JSON and prints the table.
    pub(crate) fn end(&mut self, out: &Path) -> Result<()> {
        self.load.1 = load();
        std::fs::create_dir_all(out)?;
        std::fs::write(
            out.join(format!("{}.json", self.name)),
            serde_json::to_vec_pretty(&self)?,
        )?;
        crate::say(&self.table());
        Ok(())
    }

    /// The rows as a Markdown table.
    pub(crate) fn table(&self) -> String {
        let mut text = String::from(
            "| what | median | min - max (runs) | beside | ratio | bar | holds |\n|---|---|---|---|---|---|---|\n",
        );
        for row in &self.rows {
            let beside = row.baseline.map_or(String::new(), number);
            let ratio = row.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
            let holds = row.holds.map_or("", |holds| if holds { "yes" } else { "**no**" });
            let _ = writeln!(
                text,
                "| {} | {} {} | {} - {} ({}) | {beside} | {ratio} | {} | {holds} |",
                row.name,
                number(row.value),
                row.unit,
                number(row.min),
                number(row.max),
                row.runs,
                row.bar,
            );
        }
        text
    }
}

/// The median of some figures.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        len if len % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// A quantile of some figures; 1.0 = the largest.
pub(crate) fn quantile(sorted: &[f64], at: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get((last as f64 * at).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

/// A number with as many digits as mean something.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 1000.0 => {
            let digits = format!("{value:.0}");
            let mut text = String::new();
            for (place, digit) in digits.chars().enumerate() {
                if place > 0 && (digits.len() - place).is_multiple_of(3) && digit.is_ascii_digit() {
                    text.push(',');
                }
                text.push(digit);
            }
            text
        }
        medium if medium >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
