//! Selections: maps, lists and keywords become items.

use rsigma_parser::{Detection, DetectionItem, Modifier, SigmaValue};

use crate::{
    ast::{Item, Part, Path, Place, Selection},
    convert::{modifier::Modifiers, value},
    document::Refusal,
    placeholder::Placeholders,
};

/// The selection of this name.
pub(super) fn selection(
    name: &str,
    detection: &Detection,
    placeholders: &Placeholders,
) -> Result<Selection, Refusal> {
    let nonempty = |parts: Vec<Selection>| match parts.is_empty() {
        true => Err(Refusal::at_key(name, format!("the selection `{name}` is empty"))),
        false => Ok(parts),
    };
    let several = |parts: &[Detection]| {
        let parts = parts.iter().map(|part| selection(name, part, placeholders));
        parts.collect::<Result<_, _>>().and_then(nonempty)
    };
    match detection {
        Detection::AllOf(items) => {
            let items = items
                .iter()
                .map(|item| field_item(item, placeholders))
                .collect::<Result<_, _>>()?;
            nonempty(items).map(Selection::All)
        }
        Detection::And(parts) => several(parts).map(Selection::All),
        Detection::AnyOf(parts) => several(parts).map(Selection::Any),
        Detection::Keywords(values) => {
            let item =
                Modifiers::read(&[]).and_then(|plain| keywords(values, &plain, placeholders));
            item.map(Selection::Item).map_err(|reason| Refusal::at_key(name, reason))
        }
        Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {
            let reason = "selectors of array elements (`[any]`, `[all]`) are not supported: \
                          a dotted name asks every element";
            Err(Refusal::at_key(name, reason))
        }
    }
}

fn field_item(given: &DetectionItem, placeholders: &Placeholders) -> Result<Selection, Refusal> {
    let name = given.field.name.as_deref();
    let item = match name {
        Some(name) => item(name, &given.field.modifiers, &given.values, placeholders),
        None => Modifiers::read(&given.field.modifiers)
            .and_then(|modifiers| keywords(&given.values, &modifiers, placeholders)),
    };
    item.map(Selection::Item).map_err(|reason| match name {
        Some(name) => Refusal::at_key(&name.replace('\\', ""), format!("`{name}`: {reason}")),
        None => Refusal::at_key("detection", format!("keywords: {reason}")),
    })
}

/// One field with its modifiers and values.
pub(crate) fn item(
    field: &str,
    modifiers: &[Modifier],
    values: &[SigmaValue],
    placeholders: &Placeholders,
) -> Result<Item, String> {
    let modifiers = Modifiers::read(modifiers)?;
    Ok(Item {
        place: Place::Field(path(field)?),
        tests: value::tests(values, &modifiers, placeholders)?,
        all: modifiers.all,
        negated: modifiers.negated,
    })
}

/// Keywords stand anywhere in a text anywhere in the record.
fn keywords(
    values: &[SigmaValue],
    modifiers: &Modifiers,
    placeholders: &Placeholders,
) -> Result<Item, String> {
    if values.is_empty() {
        return Err("there are no keywords".to_owned());
    }
    if values.iter().any(|value| matches!(value, SigmaValue::Null)) {
        return Err("null is no keyword".to_owned());
    }
    let mut modifiers = modifiers.clone();
    if modifiers.part == Part::Whole {
        modifiers.part = Part::Anywhere;
    }
    Ok(Item {
        place: Place::Anywhere,
        tests: value::tests(values, &modifiers, placeholders)?,
        all: modifiers.all,
        negated: modifiers.negated,
    })
}

/// The names of a dotted path.
pub(super) fn path(dotted: &str) -> Result<Path, String> {
    let unescaped = dotted.replace("\\[", "\u{1}").replace("\\]", "\u{2}");
    if unescaped.contains(['[', ']']) {
        return Err("selectors of array elements are not supported".to_owned());
    }
    let plain = unescaped.replace('\u{1}', "[").replace('\u{2}', "]");
    let names: Vec<String> = plain.split('.').map(str::to_owned).collect();
    match names.iter().any(String::is_empty) {
        true => Err(format!("`{plain}` is not a field's name")),
        false => Ok(Path(names)),
    }
}
