//! Measurements as a few numbers.

use std::time::Duration;

use serde_json::{Value, json};

/// Durations in order, in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// Of any durations.
    pub fn of(durations: impl IntoIterator<Item = Duration>) -> Self {
        let mut millis: Vec<f64> =
            durations.into_iter().map(|duration| duration.as_secs_f64() * 1_000.0).collect();
        millis.sort_by(f64::total_cmp);
        Self(millis)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The smallest value that `percent` per cent of the values do not exceed (nearest rank), in
    /// milliseconds; not a number where there are no values.
    pub fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or(f64::NAN)
    }

    /// The median, in milliseconds.
    pub fn median(&self) -> f64 {
        self.percentile(50)
    }

    /// The shortest, in milliseconds.
    pub fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    /// The longest, in milliseconds.
    pub fn max(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }

    /// The percentiles for `--json`.
    pub fn to_json(&self) -> Value {
        json!({
            "count": self.len(), "min": self.min(), "p50": self.median(),
            "p90": self.percentile(90), "p99": self.percentile(99), "max": self.max(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let spread = Spread::of((1..=200).rev().map(Duration::from_millis));
        let seen = [1, 50, 90, 99, 100].map(|percent| spread.percentile(percent));
        assert_eq!(seen, [2.0, 100.0, 180.0, 198.0, 200.0]);
        assert_eq!((spread.min(), spread.max(), spread.len()), (1.0, 200.0, 200));
        assert!(Spread::default().median().is_nan());
    }
}
