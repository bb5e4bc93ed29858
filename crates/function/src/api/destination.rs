//! Destinations and dead-letter targets as callers give them: there, and open to the function.

use flow::{Fault, Tree};

use super::{invalid, name::Named, validation};
use crate::{
    Functions,
    destination::{Kind, may_send},
};

/// The destinations of successes and of failures; a side that is not named has none.
#[derive(Debug, Default)]
pub(super) struct Sides {
    pub(super) on_success: Option<String>,
    pub(super) on_failure: Option<String>,
}

impl Sides {
    /// `None` where the call says nothing of destinations.
    pub(super) fn read(input: &Tree) -> Option<Self> {
        let config = input.get("DestinationConfig").filter(|config| !config.is_null())?;
        let side = |name: &str| {
            let arn = config.get(name)?.text("Destination")?;
            (!arn.is_empty()).then(|| arn.to_owned())
        };
        Some(Self { on_success: side("OnSuccess"), on_failure: side("OnFailure") })
    }

    /// As Lambda says that they cannot be.
    fn wrong(&self, why: &str) -> Fault {
        let side = |name: &str, arn: &Option<String>| match arn {
            Some(arn) => format!("{name}(destination={arn})"),
            None => "null".to_owned(),
        };
        let (success, failure) =
            (side("OnSuccess", &self.on_success), side("OnFailure", &self.on_failure));
        invalid(format!(
            "The provided destination config DestinationConfig(onSuccess={success}, \
             onFailure={failure}) is invalid. {why}"
        ))
    }
}

/// One side, as `GetFunctionEventInvokeConfig` tells it.
pub(super) fn side_tree(arn: Option<&String>) -> Tree {
    arn.map_or(Tree::Map(Vec::new()), |arn| Tree::map([("Destination", Tree::from(arn.as_str()))]))
}

impl Functions {
    /// Whether the function may send to each side, and there is somebody who receives.
    pub(super) fn check_sides(&self, named: &Named, sides: &Sides) -> Result<(), Fault> {
        for (side, arn) in [("onSuccess", &sides.on_success), ("onFailure", &sides.on_failure)] {
            if let Some(arn) = arn.as_ref().filter(|arn| !arn.starts_with("arn:")) {
                return Err(validation(&format!(
                    "Value '{arn}' at 'destinationConfig.{side}.destination' failed to satisfy \
                     constraint: Member must satisfy regular expression pattern: \
                     ^$|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:([a-z]{{2}}(-gov)?-[a-z]+-\\d{{1}})?:\
                     (\\d{{12}})?:(.*)"
                )));
            }
        }
        let own = self.arn_of(&named.name);
        let hosted = self.hosted(&named.arn()).ok_or_else(|| super::not_found(&named.arn()))?;
        for arn in [&sides.on_success, &sides.on_failure].into_iter().flatten() {
            let Some(kind) = Kind::of(arn) else {
                let service = arn.split(':').nth(2).filter(|_| arn.starts_with("arn:"));
                let why = match service {
                    Some("events") => "Event buses are not offered by this server.",
                    Some("s3") => "Buckets are not offered by this server.",
                    _ => "A destination is the ARN of a queue, a topic or a function.",
                };
                return Err(sides.wrong(why));
            };
            let itself =
                arn.strip_prefix(&own).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
            if itself {
                return Err(invalid("You can't specify the function as a destination for itself."));
            }
            if !self.destination_exists(kind, arn) {
                return Err(sides.wrong(&format!("{arn} does not exist.")));
            }
            let role = &hosted.function.role;
            if !may_send(&*self.0.authorize, role, kind, arn) {
                let (_, action) = kind.action();
                return Err(invalid(format!(
                    "The function's execution role does not have permissions to call {action} on \
                     {arn}"
                )));
            }
        }
        Ok(())
    }

    /// Whether a function of this role may send dead letters there.
    pub(super) fn check_dead_letters(&self, arn: &str, role: &str) -> Result<(), Fault> {
        let kind = Kind::of(arn).filter(|kind| *kind != Kind::Function).ok_or_else(|| {
            invalid(format!(
                "The provided dead-letter target {arn} is invalid: it is the ARN of a queue or a \
                 topic."
            ))
        })?;
        if !may_send(&*self.0.authorize, role, kind, arn) {
            let (service, action) = kind.action();
            let service = service.to_uppercase();
            return Err(invalid(format!(
                "The provided execution role does not have permissions to call {action} on \
                 {service}"
            )));
        }
        if !self.destination_exists(kind, arn) {
            let why = format!("The provided dead-letter target {arn} does not exist.");
            return Err(invalid(why));
        }
        Ok(())
    }
}
