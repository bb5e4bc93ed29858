//! ARNs with wildcards, compared part by part.

use crate::{
    context::Context,
    pattern::{Case, Grammar, Pattern},
};

/// A pattern of an ARN: a wildcard stays within its part, of which there are six.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ArnPattern {
    /// `*`
    Everything,
    Parts(Box<[Pattern; 6]>),
}

impl ArnPattern {
    pub(crate) fn parse(text: &str, variables: bool) -> Result<Self, String> {
        let whole = Pattern::parse(text, Grammar { wildcards: true, variables })?;
        if whole.is_everything() {
            return Ok(Self::Everything);
        }
        let parts = whole.arn_parts().filter(|_| text.starts_with("arn:"));
        let parts =
            parts.ok_or_else(|| format!("Resource {text} must be in ARN format or \"*\"."))?;
        Ok(Self::Parts(Box::new(parts)))
    }

    pub(crate) fn fits(&self, arn: &str, context: &Context<'_>) -> bool {
        let Self::Parts(patterns) = self else { return true };
        let mut parts = arn.splitn(6, ':');
        patterns.iter().all(|pattern| {
            parts.next().is_some_and(|part| pattern.fits(part, Case::Counts, context))
        })
    }
}
