//! The calls of CloudTrail: which operation does what.

mod create;
mod logging;
mod read;

use std::sync::Arc;

use flow::{Answer, Fault, Pending, Request, Service, Tree};
use tracing::error;

use crate::{
    Error, Trails,
    name::Naming,
    trails::{Inner, Trail},
};

impl Service for Trails {
    fn call(&self, request: Request) -> Pending<'_, Result<Answer, Fault>> {
        let inner = &*self.0;
        Box::pin(async move {
            match request.operation.as_str() {
                "CreateTrail" => create::create_trail(inner, &request).await,
                "DeleteTrail" => logging::delete_trail(inner, &request).await,
                "DescribeTrails" => read::describe_trails(inner, &request).await,
                "GetTrail" => read::get_trail(inner, &request).await,
                "GetTrailStatus" => read::get_trail_status(inner, &request).await,
                "ListTrails" => read::list_trails(inner, &request).await,
                "StartLogging" => logging::start_logging(inner, &request).await,
                "StopLogging" => logging::stop_logging(inner, &request).await,
                other => Err(not_offered(&format!("the operation {other}"))),
            }
        })
    }
}

/// What a client reads that asks for what this server cannot do.
fn not_offered(what: &str) -> Fault {
    Fault::new("UnsupportedOperationException", format!("This server does not offer {what} yet."))
}

/// Refuses every input member that says something and is not `known`: nothing is accepted that
/// has no effect.
fn refuse_others(request: &Request, known: &[&str]) -> Result<(), Fault> {
    let other = request
        .input
        .members()
        .iter()
        .find(|(name, value)| !known.contains(&name.as_str()) && says_something(value));
    match other {
        Some((name, _)) => {
            Err(not_offered(&format!("the parameter {name} of {}", request.operation)))
        }
        None => Ok(()),
    }
}

fn says_something(value: &Tree) -> bool {
    match value {
        Tree::Null | Tree::Bool(false) => false,
        Tree::Text(text) => !text.is_empty(),
        Tree::List(items) => !items.is_empty(),
        Tree::Map(members) => !members.is_empty(),
        _ => true,
    }
}

/// The trail that the request's `Name` names.
async fn named(inner: &Inner, request: &Request) -> Result<Arc<Trail>, Fault> {
    let text = request.input.text("Name").unwrap_or_default();
    let naming: Naming = text.parse()?;
    find(inner, request, &naming).await.ok_or_else(|| {
        Fault::new(
            "TrailNotFoundException",
            format!("Unknown trail: {text} for the user: {}", inner.account),
        )
    })
}

/// The same, where the call must be made in the trail's home region.
async fn named_at_home(inner: &Inner, request: &Request) -> Result<Arc<Trail>, Fault> {
    let trail = named(inner, request).await?;
    if trail.settings.home != request.region {
        return Err(Fault::new(
            "InvalidHomeRegionException",
            format!(
                "The trail {} can be changed only from its home region, {}.",
                trail.settings.name, trail.settings.home
            ),
        ));
    }
    Ok(trail)
}

async fn find(inner: &Inner, request: &Request, naming: &Naming) -> Option<Arc<Trail>> {
    let is_named = |trail: &Arc<Trail>| match naming {
        Naming::Name(name) => trail.settings.name == *name && trail.settings.home == request.region,
        Naming::Arn { region, account, name } => {
            trail.settings.name == *name
                && trail.settings.home.as_str() == region
                && inner.account.as_str() == account
        }
    };
    inner.living().await.into_iter().find(is_named)
}

/// What a client reads when the store fails.
fn internal(error: &Error) -> Fault {
    error!(%error, "A trail could not be kept: {error}");
    Fault::internal()
}

/// An answer that touched `trail`.
fn answer(inner: &Inner, trail: &Trail, output: Tree) -> Answer {
    Answer { output, resources: vec![trail.settings.resource(&inner.account)] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_false_or_empty_parameter_says_nothing() {
        for nothing in
            [Tree::Null, Tree::Bool(false), Tree::from(""), Tree::List(vec![]), Tree::Map(vec![])]
        {
            assert!(!says_something(&nothing), "{nothing:?}");
        }
        for something in [Tree::Bool(true), Tree::from("x"), Tree::Int(0)] {
            assert!(says_something(&something), "{something:?}");
        }
    }
}
