//! The condition's names become indices, and its globs become what they stand for.

use rsigma_parser::{ConditionExpr, Quantifier, SelectorPattern};

use crate::{
    ast::Condition,
    pattern::{Pattern, Piece},
};

/// One condition of all that a rule gives: it holds when one of them does.
pub(super) fn condition(given: &[ConditionExpr], names: &[&str]) -> Result<Condition, String> {
    match given {
        [] => Err("the rule has no condition".to_owned()),
        [only] => part(only, names),
        several => Ok(Condition::AtLeast(1, parts(several, names)?)),
    }
}

fn parts(given: &[ConditionExpr], names: &[&str]) -> Result<Vec<Condition>, String> {
    given.iter().map(|expression| part(expression, names)).collect()
}

fn part(expression: &ConditionExpr, names: &[&str]) -> Result<Condition, String> {
    match expression {
        ConditionExpr::And(given) => parts(given, names).map(Condition::All),
        ConditionExpr::Or(given) => Ok(Condition::AtLeast(1, parts(given, names)?)),
        ConditionExpr::Not(given) => Ok(Condition::Not(Box::new(part(given, names)?))),
        ConditionExpr::Identifier(name) => names
            .iter()
            .position(|known| known == name)
            .map(Condition::Selection)
            .ok_or_else(|| format!("the condition names `{name}`, which the detection lacks")),
        ConditionExpr::Selector { quantifier, pattern } => several(quantifier, pattern, names),
    }
}

fn several(
    quantifier: &Quantifier,
    pattern: &SelectorPattern,
    names: &[&str],
) -> Result<Condition, String> {
    let chosen: Vec<Condition> = names
        .iter()
        .enumerate()
        .filter(|(_, name)| stands_for(pattern, name))
        .map(|(index, _)| Condition::Selection(index))
        .collect();
    if chosen.is_empty() {
        return Err(format!("`{quantifier} of {pattern}` stands for no selection"));
    }
    match quantifier {
        Quantifier::All => Ok(Condition::All(chosen)),
        Quantifier::Any => Ok(Condition::AtLeast(1, chosen)),
        Quantifier::Count(count) => match usize::try_from(*count) {
            Ok(count) if (1..=chosen.len()).contains(&count) => {
                Ok(Condition::AtLeast(count, chosen))
            }
            _ => Err(format!(
                "`{quantifier} of {pattern}` cannot be: it stands for {} selections",
                chosen.len()
            )),
        },
    }
}

fn stands_for(pattern: &SelectorPattern, name: &str) -> bool {
    match pattern {
        // A leading underscore keeps a selection out of `them`.
        SelectorPattern::Them => !name.starts_with('_'),
        SelectorPattern::Pattern(glob) => {
            let texts = glob.split('*').map(|text| Piece::Text(text.to_owned()));
            let pieces = texts.flat_map(|text| [Piece::Many, text]).skip(1);
            Pattern::new(pieces, true).fits(name)
        }
    }
}
