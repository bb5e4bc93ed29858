//! The actions that a statement is about.

use crate::{
    context::Context,
    pattern::{Case, Grammar, Pattern},
};

/// `Action` or `NotAction`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Actions {
    pub(crate) except: bool,
    pub(crate) patterns: Vec<Pattern>,
}

impl Actions {
    pub(crate) fn cover(&self, action: &str) -> bool {
        let nothing = Context::default();
        let named = self.patterns.iter().any(|p| p.fits(action, Case::Ignored, &nothing));
        named != self.except
    }
}

/// Reads `service:Action`, either with wildcards, or `*`.
pub(crate) fn pattern(text: &str) -> Result<Pattern, String> {
    let grammar = Grammar { wildcards: true, variables: false };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '?' | '-' | '_');
    if text != "*" {
        let (vendor, name) = text
            .split_once(':')
            .ok_or("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")?;
        if vendor.is_empty() || name.is_empty() || !vendor.chars().chain(name.chars()).all(allowed)
        {
            return Err(format!("`{text}` is no action: give one such as s3:GetObject"));
        }
        if vendor.contains(['*', '?']) && vendor != "*" {
            return Err(format!("Vendor {vendor} is not valid"));
        }
    }
    Pattern::parse(text, grammar)
}
