//! From a document's text to a policy: strictly, with places.

use crate::{
    action::{self, Actions},
    condition::{ArnPattern, Condition},
    json::Json,
    policy::{Kind, Policy, Statement},
    principal::{Principal, Principals},
    resource::Resources,
};

/// The longest document, in bytes; who keeps one may demand less.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// The version whose policies know variables.
const VERSION: &str = "2012-10-17";
/// The version of a document that names none.
const VERSION_BEFORE: &str = "2008-10-17";

/// Why a document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}{}", place_shown(.place))]
pub struct Malformed {
    /// Where, such as `Statement[0].Condition.StringEquals`; empty for the whole document.
    pub place: String,
    /// What is wrong there.
    pub why: String,
}

fn place_shown(place: &str) -> String {
    if place.is_empty() { String::new() } else { format!(" (at {place})") }
}

impl Malformed {
    fn new(place: &str, why: impl Into<String>) -> Self {
        Self { place: place.to_owned(), why: why.into() }
    }
}

pub(crate) fn policy(text: &str, kind: Kind) -> Result<Policy, Malformed> {
    if text.len() > DOCUMENT_BYTES_MAX {
        let why = format!("The policy is longer than {DOCUMENT_BYTES_MAX} bytes");
        return Err(Malformed::new("", why));
    }
    let json: Json = serde_json::from_str(text)
        .map_err(|error| Malformed::new("", format!("Syntax errors in policy. {error}")))?;
    let Json::Map(members) = json else {
        return Err(Malformed::new("", "Syntax errors in policy. It is no JSON object"));
    };
    let (mut version, mut statements) = (VERSION_BEFORE, None);
    for (name, value) in &members {
        match (name.as_str(), value) {
            ("Version", Json::Text(text)) if [VERSION, VERSION_BEFORE].contains(&text.as_str()) => {
                version = text;
            }
            ("Version", _) => {
                let why = format!("The policy must contain a valid version string: {VERSION}");
                return Err(Malformed::new(name, why));
            }
            ("Id", Json::Text(_)) => {}
            ("Statement", value) => statements = Some(value),
            _ => return Err(Malformed::new(name, format!("Syntax errors in policy. `{name}`"))),
        }
    }
    let statements = match statements {
        Some(Json::List(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => return Err(Malformed::new("", "Missing required field Statement")),
    };
    if statements.is_empty() {
        return Err(Malformed::new("Statement", "Missing required field Statement"));
    }
    let mut sids: Vec<&str> = Vec::new();
    let mut policy = Policy { statements: Vec::with_capacity(statements.len()) };
    for (at, json) in statements.into_iter().enumerate() {
        let place = format!("Statement[{at}]");
        let reader = Reader { kind, variables: version == VERSION, place };
        let (sid, statement) = reader.statement(json)?;
        if let Some(sid) = sid.filter(|sid| !sid.is_empty()) {
            if sids.contains(&sid) {
                let why = format!("Statement IDs (SID) in a single policy must be unique: {sid}");
                return Err(Malformed::new(&reader.place, why));
            }
            sids.push(sid);
        }
        policy.statements.push(statement);
    }
    Ok(policy)
}

/// Reads one statement.
struct Reader {
    kind: Kind,
    variables: bool,
    place: String,
}

impl Reader {
    fn wrong(&self, what: &str, why: impl Into<String>) -> Malformed {
        Malformed::new(&format!("{}.{what}", self.place), why)
    }

    fn statement<'j>(&self, json: &'j Json) -> Result<(Option<&'j str>, Statement), Malformed> {
        let Json::Map(members) = json else {
            return Err(Malformed::new(&self.place, "Syntax errors in policy. It is no object"));
        };
        let (mut sid, mut allows, mut principals) = (None, None, None);
        let (mut actions, mut resources, mut conditions) = (None, None, Vec::new());
        for (name, value) in members {
            let twice = || self.wrong(name, format!("`{name}` excludes what stands before it"));
            match (name.as_str(), value) {
                ("Sid", Json::Text(text)) => sid = Some(text.as_str()),
                ("Effect", Json::Text(text)) if text == "Allow" => allows = Some(true),
                ("Effect", Json::Text(text)) if text == "Deny" => allows = Some(false),
                ("Effect", _) => {
                    return Err(self.wrong(name, "Invalid effect: give Allow or Deny"));
                }
                ("Principal" | "NotPrincipal", value) => {
                    if principals.replace(self.principals(name, value)?).is_some() {
                        return Err(twice());
                    }
                }
                ("Action" | "NotAction", value) => {
                    if actions.replace(self.actions(name, value)?).is_some() {
                        return Err(twice());
                    }
                }
                ("Resource" | "NotResource", value) => {
                    if resources.replace(self.resources(name, value)?).is_some() {
                        return Err(twice());
                    }
                }
                ("Condition", value) => conditions = self.conditions(value)?,
                _ => return Err(self.wrong(name, format!("Syntax errors in policy. `{name}`"))),
            }
        }
        let missing =
            |field| Malformed::new(&self.place, format!("Missing required field {field}"));
        let allows = allows.ok_or_else(|| missing("Effect"))?;
        let actions = actions.ok_or_else(|| missing("Action"))?;
        if self.kind != Kind::Identity && principals.is_none() {
            return Err(missing("Principal"));
        }
        if !matches!(self.kind, Kind::Trust | Kind::Queue) && resources.is_none() {
            return Err(missing("Resource"));
        }
        Ok((sid, Statement { allows, principals, actions, resources, conditions }))
    }

    fn principals(&self, name: &str, value: &Json) -> Result<Principals, Malformed> {
        let wrong = |why: String| self.wrong(name, why);
        if self.kind == Kind::Identity {
            return Err(wrong("Policy document should not specify a principal.".to_owned()));
        }
        let mut listed = Vec::new();
        match value {
            Json::Text(text) if text == "*" => listed.push(Principal::Everyone),
            Json::Map(kinds) => {
                for (kind, value) in kinds {
                    let read: fn(&str) -> Result<Principal, String> = match kind.as_str() {
                        "AWS" => Principal::aws,
                        "Service" => Principal::service,
                        "Federated" | "CanonicalUser" => {
                            return Err(wrong(format!(
                                "Principals of the kind `{kind}` are not offered by this server"
                            )));
                        }
                        _ => {
                            return Err(wrong(format!("Invalid principal in policy: `{kind}`")));
                        }
                    };
                    for text in self.texts(name, value)? {
                        listed.push(read(&text).map_err(wrong)?);
                    }
                }
            }
            _ => return Err(wrong("Invalid principal in policy".to_owned())),
        }
        if listed.is_empty() {
            return Err(wrong("Invalid principal in policy: it names nobody".to_owned()));
        }
        Ok(Principals { except: name == "NotPrincipal", listed })
    }

    fn actions(&self, name: &str, value: &Json) -> Result<Actions, Malformed> {
        let texts = self.texts(name, value)?;
        let patterns = texts.iter().map(|text| action::pattern(text));
        let patterns = patterns.collect::<Result<_, _>>().map_err(|why| self.wrong(name, why))?;
        Ok(Actions { except: name == "NotAction", patterns })
    }

    fn resources(&self, name: &str, value: &Json) -> Result<Resources, Malformed> {
        if self.kind == Kind::Trust {
            return Err(self.wrong(name, "Has prohibited field Resource"));
        }
        let texts = self.texts(name, value)?;
        let patterns = texts.iter().map(|text| ArnPattern::parse(text, self.variables));
        let patterns = patterns.collect::<Result<_, _>>().map_err(|why| self.wrong(name, why))?;
        Ok(Resources { except: name == "NotResource", patterns })
    }

    fn conditions(&self, value: &Json) -> Result<Vec<Condition>, Malformed> {
        let Json::Map(operators) = value else {
            return Err(self.wrong("Condition", "Syntax errors in policy. It is no object"));
        };
        let mut conditions = Vec::new();
        for (operator, keys) in operators {
            let place = format!("Condition.{operator}");
            let Json::Map(keys) = keys else {
                return Err(self.wrong(&place, "Syntax errors in policy. It is no object"));
            };
            for (key, values) in keys {
                let values = self.texts(&place, values)?;
                let condition = Condition::parse(operator, key, &values, self.variables);
                conditions.push(condition.map_err(|why| self.wrong(&place, why))?);
            }
        }
        Ok(conditions)
    }

    /// One text or several; numbers and truth values count as their texts.
    fn texts(&self, name: &str, value: &Json) -> Result<Vec<String>, Malformed> {
        let text = |json: &Json| match json {
            Json::Text(text) | Json::Number(text) => Ok(text.clone()),
            Json::Bool(value) => Ok(value.to_string()),
            Json::Null | Json::List(_) | Json::Map(_) => {
                Err(self.wrong(name, "Syntax errors in policy. Neither a text nor a list of texts"))
            }
        };
        match value {
            Json::List(list) if list.is_empty() => {
                Err(self.wrong(name, "Syntax errors in policy. The list is empty"))
            }
            Json::List(list) => list.iter().map(text).collect(),
            one => Ok(vec![text(one)?]),
        }
    }
}

#[cfg(test)]
mod tests;
