//! The resources that a statement is about.

use crate::{condition::ArnPattern, context::Context};

/// `Resource` or `NotResource`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resources {
    pub(crate) except: bool,
    pub(crate) patterns: Vec<ArnPattern>,
}

impl Resources {
    pub(crate) fn cover(&self, arn: &str, context: &Context<'_>) -> bool {
        self.patterns.iter().any(|pattern| pattern.fits(arn, context)) != self.except
    }
}
