//! Functions as callers name them: by name, by ARN, by parts of one.

use flow::{AccountId, Fault, Region};

use super::validation;
use crate::{
    Functions,
    function::{is_name, is_word},
    version::LATEST,
};

/// The longest name of an alias, in bytes; Lambda's limit.
const ALIAS_BYTES_MAX: usize = 128;

/// A function as a caller named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: String,
    /// A version or alias, where one was named.
    pub(super) qualifier: Option<String>,
    /// Whether it is of this account and region.
    pub(super) is_here: bool,
    /// The ARN without a version.
    arn: String,
}

impl Named {
    /// Whether the version that changes was meant.
    pub(super) fn is_latest(&self) -> bool {
        self.qualifier.as_deref().is_none_or(|qualifier| qualifier == LATEST)
    }

    /// As an error names it.
    pub(super) fn arn(&self) -> String {
        match self.qualifier.as_deref() {
            None => self.arn.clone(),
            Some(qualifier) => format!("{}:{qualifier}", self.arn),
        }
    }
}

impl Functions {
    /// The ARN under which that runs here: what changes has no version in it.
    pub(super) fn runs_as(&self, named: &Named) -> String {
        if named.is_latest() { self.arn_of(&named.name) } else { named.arn() }
    }

    /// Reads what a caller wrote for a function.
    pub(super) fn named(&self, given: &str, qualifier: Option<&str>) -> Result<Named, Fault> {
        let config = &self.0.host.config;
        parse(given, qualifier, &config.account, &config.region).ok_or_else(|| {
            validation(&format!(
                "Value '{given}' at 'functionName' failed to satisfy constraint: Member must \
                 satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?\
                 ((eusc-)?[a-z]{{2}}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{{1}}:)?(\\d{{12}}:)?(function:)?\
                 ([a-zA-Z0-9-_\\.]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?"
            ))
        })
    }
}

fn parse(
    given: &str,
    qualifier: Option<&str>,
    account: &AccountId,
    region: &Region,
) -> Option<Named> {
    let parts: Vec<&str> = given.split(':').collect();
    let (own_account, own_region) = (account.to_string(), region.as_str());
    let (of_region, of_account, rest) = match parts.as_slice() {
        ["arn", "aws", "lambda", region, account, "function", rest @ ..] => {
            (*region, *account, rest)
        }
        [account, "function", rest @ ..] => (own_region, *account, rest),
        ["function", rest @ ..] => (own_region, own_account.as_str(), rest),
        rest => (own_region, own_account.as_str(), rest),
    };
    let (name, within) = match rest {
        [name] => (*name, None),
        [name, version] => (*name, Some(*version)),
        _ => return None,
    };
    let qualifier = within.or(qualifier);
    if !is_name(name) || !qualifier.is_none_or(is_qualifier) {
        return None;
    }
    Some(Named {
        name: name.to_owned(),
        qualifier: qualifier.map(str::to_owned),
        is_here: of_account == own_account && of_region == own_region,
        arn: format!("arn:aws:lambda:{of_region}:{of_account}:function:{name}"),
    })
}

fn is_qualifier(text: &str) -> bool {
    text == LATEST || is_word(text, ALIAS_BYTES_MAX)
}

/// Whether an alias may have this name: numbers are versions'.
pub(super) fn is_alias(text: &str) -> bool {
    is_qualifier(text) && text != LATEST && !text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, qualifier: Option<&str>) -> Option<(String, bool, bool)> {
        let (account, region) = ("123456789012".parse().unwrap(), "us-east-2".parse().unwrap());
        let named = parse(given, qualifier, &account, &region)?;
        Some((named.arn(), named.is_latest(), named.is_here))
    }

    #[test]
    fn a_function_is_named_in_many_ways() {
        let arn = "arn:aws:lambda:us-east-2:123456789012:function:f";
        let plain = Some((arn.to_owned(), true, true));
        for given in ["f", "function:f", "123456789012:function:f", arn] {
            assert_eq!(check(given, None), plain, "{given}");
        }
        let latest = Some((format!("{arn}:$LATEST"), true, true));
        assert_eq!(check("f:$LATEST", None), latest);
        assert_eq!(check(arn, Some("$LATEST")), latest);
        assert_eq!(check("f", Some("prod")), Some((format!("{arn}:prod"), false, true)));
        let other = "arn:aws:lambda:us-east-2:111122223333:function:f";
        assert_eq!(check(other, None), Some((other.to_owned(), true, false)));
        for none in ["", "a b", "f:g:h", "arn:aws:sns:us-east-2:123456789012:f", "../f"] {
            assert_eq!(check(none, None), None, "{none}");
        }
    }
}
