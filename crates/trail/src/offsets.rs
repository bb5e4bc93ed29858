//! Places in the journal, written short: runs of offsets that follow each other.

/// Offsets in rising order, as runs of first and last.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Offsets(Vec<(u64, u64)>);

impl Offsets {
    /// The runs, each as its first and its last offset.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }

    /// The least.
    pub(crate) fn first(&self) -> Option<u64> {
        self.0.first().map(|(first, _)| *first)
    }
}

impl FromIterator<u64> for Offsets {
    /// Takes offsets in rising order.
    fn from_iter<I: IntoIterator<Item = u64>>(offsets: I) -> Self {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for offset in offsets {
            match runs.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(offset) => *last = offset,
                _ => runs.push((offset, offset)),
            }
        }
        Self(runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_run() {
        let offsets: Offsets = [3, 4, 5, 9, 11, 12].into_iter().collect();
        assert_eq!(offsets.runs().collect::<Vec<_>>(), [(3, 5), (9, 9), (11, 12)]);
        assert_eq!(offsets.first(), Some(3));
        assert_eq!(serde_json::to_string(&offsets).unwrap(), "[[3,5],[9,9],[11,12]]");
    }
}
