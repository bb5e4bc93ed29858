//! The YAML of a rule before Sigma is read from it: its documents, their lines, their bounds.

use serde_yaml_ng::Value;

/// The longest text of rules that is read, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 256 * 1024;
/// The longest condition, in bytes.
const CONDITION_BYTES_MAX: usize = 4 * 1024;
/// How deep parentheses may nest, and how many `not` a condition may hold: the grammar recurses.
const CONDITION_DEPTH_MAX: usize = 32;

/// What is wrong, and which words of the text to look for.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) place: Place,
    pub(crate) reason: String,
}

/// Where in a text.
#[derive(Debug)]
pub(crate) enum Place {
    /// Its first line.
    Top,
    /// This line, counted from 1.
    Line(usize),
    /// The first line that opens with this key.
    Key(String),
    /// The first line that holds this.
    Text(String),
}

impl Refusal {
    pub(crate) fn new(place: Place, reason: impl Into<String>) -> Self {
        Self { place, reason: reason.into() }
    }

    pub(crate) fn at_key(key: &str, reason: impl Into<String>) -> Self {
        Self::new(Place::Key(key.to_owned()), reason)
    }
}

/// A part of a text that is read by itself: one YAML document, or several that act on each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document<'a> {
    pub(crate) text: &'a str,
    /// The line of the text at which it begins, counted from 0.
    lines_before: usize,
}

/// The documents of `text`; comments alone are none.
pub(crate) fn documents(text: &str) -> Result<Vec<Document<'_>>, Refusal> {
    if text.len() > TEXT_BYTES_MAX {
        let reason = format!("the file is longer than {} KiB", TEXT_BYTES_MAX / 1024);
        return Err(Refusal::new(Place::Top, reason));
    }
    if text.lines().any(|line| line.starts_with("action:")) {
        // `action: global` and its kin make a document depend on those before it.
        return Ok(vec![Document { text, lines_before: 0 }]);
    }
    let mut documents = Vec::new();
    let (mut start, mut first, mut offset) = (0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let end = offset;
        offset += line.len();
        if line.trim_end() == "---" || line.starts_with("--- ") {
            documents.push((first, text.get(start..end)));
            (start, first) = (offset, number + 1);
        }
    }
    documents.push((first, text.get(start..)));
    Ok(documents
        .into_iter()
        .filter_map(|(lines_before, text)| Some(Document { text: text?, lines_before }))
        .filter(|document| document.says_something())
        .collect())
}

impl Document<'_> {
    fn says_something(&self) -> bool {
        self.text.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#'))
    }

    /// The line of the whole text, counted from 1, that `place` means.
    pub(crate) fn line(&self, place: &Place) -> usize {
        let first = |found: &dyn Fn(&str) -> bool| self.text.lines().position(found);
        let top = || first(&|line| !line.trim().is_empty() && !line.starts_with('#'));
        let index = match place {
            Place::Top => None,
            Place::Line(line) => Some(line.saturating_sub(1)),
            Place::Key(key) => first(&|line| opens_with(line, key)),
            Place::Text(text) => first(&|line| line.contains(text.as_str())),
        };
        self.lines_before + index.or_else(top).unwrap_or(0) + 1
    }

    /// Whether the YAML is sound and its detection is one that the Sigma parser reads in full.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        for document in serde_yaml_ng::Deserializer::from_str(self.text) {
            let value: Value = serde::Deserialize::deserialize(document).map_err(|error| {
                let place = error.location().map_or(Place::Top, |l| Place::Line(l.line()));
                Refusal::new(place, format!("the YAML cannot be read: {error}"))
            })?;
            let Some(rule) = value.as_mapping() else {
                return Err(Refusal::new(Place::Top, "a rule is a map of `title`, `detection` …"));
            };
            if rule.contains_key("correlation") {
                let reason = "correlation rules are not supported: a rule sees one record";
                return Err(Refusal::at_key("correlation", reason));
            }
            if rule.get("taxonomy").is_some_and(|taxonomy| taxonomy != "sigma") {
                let reason = "only the taxonomy `sigma` is read: name fields as records do";
                return Err(Refusal::at_key("taxonomy", reason));
            }
            if let Some(level) = rule.get("level")
                && level.as_str().is_none_or(|level| level.parse::<flow::Level>().is_err())
            {
                let reason = "the level is none of informational, low, medium, high, critical";
                return Err(Refusal::at_key("level", reason));
            }
            check_texts(rule)?;
            if let Some(detection) = rule.get("detection") {
                check_detection(detection)?;
            }
            if let Some(filter) = rule.get("filter") {
                check_filter(filter)?;
            }
        }
        Ok(())
    }
}

/// Whether `line` is `key: …`, `key|modifier: …`, `- key: …`, with or without quotes.
pub(crate) fn opens_with(line: &str, key: &str) -> bool {
    let line = line.trim_start_matches([' ', '-', '\'', '"']);
    line.strip_prefix(key).is_some_and(|rest| rest.starts_with([':', '|', '\'', '"']))
}

/// Lists of texts for people hold texts alone: `- a: b` would be a map, and be lost.
fn check_texts(rule: &serde_yaml_ng::Mapping) -> Result<(), Refusal> {
    for key in ["falsepositives", "references", "tags"] {
        let texts = rule.get(key).and_then(Value::as_sequence);
        if texts.is_some_and(|texts| !texts.iter().all(Value::is_string)) {
            let reason = format!("`{key}` holds something that is no text: put it in quotes");
            return Err(Refusal::at_key(key, reason));
        }
    }
    Ok(())
}

/// A filter names its rules beside its selections.
fn check_filter(filter: &Value) -> Result<(), Refusal> {
    let Some(map) = filter.as_mapping() else {
        return Err(Refusal::at_key("filter", "a filter is a map of `rules`, `condition` …"));
    };
    let rules = map.get("rules");
    let named = rules.and_then(Value::as_sequence).is_some_and(|names| {
        !names.is_empty() && names.iter().all(|name| name.as_str().is_some_and(|n| !n.is_empty()))
    });
    if !named && rules.and_then(Value::as_str).is_none_or(|word| word != "any") {
        let reason = "a filter's `rules` is a list of rules' ids or names, or `any`";
        return Err(Refusal::at_key(if rules.is_some() { "rules" } else { "filter" }, reason));
    }
    let mut detection = map.clone();
    detection.remove("rules");
    check_detection(&Value::Mapping(detection))
}

fn check_detection(detection: &Value) -> Result<(), Refusal> {
    let Some(detection) = detection.as_mapping() else { return Ok(()) };
    if let Some(condition) = detection.get("condition") {
        let conditions =
            condition.as_sequence().map_or(std::slice::from_ref(condition), Vec::as_slice);
        for condition in conditions.iter().filter_map(Value::as_str) {
            check_condition(condition).map_err(|reason| Refusal::at_key("condition", reason))?;
        }
    }
    for (name, selection) in detection {
        match name.as_str() {
            Some("timeframe") => {
                let reason = "`timeframe` counts several records: a rule sees one record at a time";
                return Err(Refusal::at_key("timeframe", reason));
            }
            Some("condition") => {}
            Some(_) => check_selection(selection)?,
            None => {
                return Err(Refusal::at_key("detection", "a selection's name is not a text"));
            }
        }
    }
    Ok(())
}

fn check_condition(condition: &str) -> Result<(), String> {
    if condition.contains('|') {
        return Err(format!(
            "`{condition}` counts or compares several records (after `|`): a rule sees one record at a time"
        ));
    }
    let mut depth = 0_usize;
    let mut deepest = 0;
    for c in condition.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    let nots = condition.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| *w == "not");
    if condition.len() > CONDITION_BYTES_MAX
        || deepest > CONDITION_DEPTH_MAX
        || nots.count() > CONDITION_DEPTH_MAX
    {
        return Err(format!(
            "the condition is too long: at most {CONDITION_BYTES_MAX} bytes, \
             {CONDITION_DEPTH_MAX} nested parentheses and {CONDITION_DEPTH_MAX} `not`"
        ));
    }
    Ok(())
}

/// The Sigma parser turns what it does not expect into text, so it is refused before.
fn check_selection(selection: &Value) -> Result<(), Refusal> {
    match selection {
        Value::Mapping(fields) => {
            for (name, value) in fields {
                let Some(name) = name.as_str() else {
                    return Err(Refusal::at_key("detection", "a field's name is not a text"));
                };
                let field = name.split('|').next().unwrap_or(name);
                let values = value.as_sequence().map_or(std::slice::from_ref(value), Vec::as_slice);
                if values.is_empty() {
                    return Err(Refusal::at_key(field, format!("`{name}` has no values")));
                }
                if !values.iter().all(is_scalar) {
                    let reason = format!(
                        "`{name}` holds a map or a nested list: give a value or a list of values, \
                         and name inner fields with dots"
                    );
                    return Err(Refusal::at_key(field, reason));
                }
            }
            Ok(())
        }
        Value::Sequence(parts) => parts.iter().try_for_each(check_selection),
        other if is_scalar(other) => Ok(()),
        _ => Err(Refusal::at_key("detection", "a YAML tag has no meaning in a selection")),
    }
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_))
}
