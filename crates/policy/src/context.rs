//! What is known of a request: condition keys and their values.

use std::borrow::Cow;

/// Condition keys with their values; a key of several values stands there several times.
#[derive(Clone, Debug, Default)]
pub struct Context<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Context<'a> {
    /// The context of these pairs.
    pub fn new<K: Into<Cow<'a, str>>, V: Into<Cow<'a, str>>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// One more value of `key`.
    pub fn add(&mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        self.0.push((key.into(), value.into()));
    }

    /// Whether `key` has a value.
    pub fn has(&self, key: &str) -> bool {
        self.values(key).next().is_some()
    }

    /// The values of `key`, whose letters' case does not count.
    pub(crate) fn values<'s>(&'s self, key: &'s str) -> impl Iterator<Item = &'s str> {
        self.0
            .iter()
            .filter(move |(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value.as_ref())
    }

    /// The value of `key`, where there is just one.
    pub(crate) fn only(&self, key: &str) -> Option<Cow<'_, str>> {
        let mut found = self.0.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key));
        let first = found.next()?;
        found.next().is_none().then(|| Cow::Borrowed(first.1.as_ref()))
    }
}
