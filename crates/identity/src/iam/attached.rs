//! Managed policies that hang on users, groups and roles.

use flow::{AccountId, Fault, Request, Tree};

use super::{
    need, need_holder,
    page::page,
    wording::{conflict, gone, invalid, limit, no_such},
};
use crate::{
    Identity, aws_managed,
    entity::Entity,
    registry::{Holder, State},
};

/// Managed policies of one user, group or role, as on AWS.
const ATTACHED_MAX: usize = 10;

/// Fails where there is no policy of that ARN.
pub(crate) fn attachable(arn: &str, state: &State, account: &AccountId) -> Result<(), Fault> {
    if state.managed_document(arn, account).is_some() {
        return Ok(());
    }
    if arn.starts_with("arn:aws:iam::aws:") {
        let names = aws_managed::names();
        return Err(gone(format!(
            "Policy {arn} does not exist or is not attachable. Of AWS's own, this server knows {names}."
        )));
    }
    Err(gone(format!("Policy {arn} does not exist or is not attachable.")))
}

/// Whoever has policies cannot be deleted.
pub(super) fn conflict_of(entity: &Entity) -> Result<(), Fault> {
    if !entity.attached.is_empty() {
        return Err(conflict("Cannot delete entity, must detach all policies first."));
    }
    if !entity.inline.is_empty() {
        return Err(conflict("Cannot delete entity, must delete policies first."));
    }
    Ok(())
}

impl Identity {
    pub(super) async fn attach(&self, request: &Request) -> Result<Tree, Fault> {
        let (holder, arn) = (need_holder(request)?, need(request, "PolicyArn")?);
        self.edit(holder, |entity, state| {
            attachable(arn, state, &self.account)?;
            if entity.attached.iter().any(|other| other == arn) {
                return Ok(Tree::Null);
            }
            if entity.attached.len() >= ATTACHED_MAX {
                let quota = match holder {
                    Holder::User(_) => "PoliciesPerUser",
                    Holder::Group(_) => "PoliciesPerGroup",
                    Holder::Role(_) => "PoliciesPerRole",
                };
                return Err(limit(format!("Cannot exceed quota for {quota}: {ATTACHED_MAX}")));
            }
            entity.attached.push(arn.to_owned());
            Ok(Tree::Null)
        })
        .await
    }

    pub(super) async fn detach(&self, request: &Request) -> Result<Tree, Fault> {
        let (holder, arn) = (need_holder(request)?, need(request, "PolicyArn")?);
        self.edit(holder, |entity, _| {
            let before = entity.attached.len();
            entity.attached.retain(|other| other != arn);
            if entity.attached.len() == before {
                return Err(gone(format!("Policy {arn} was not found.")));
            }
            Ok(Tree::Null)
        })
        .await
    }

    pub(super) fn list_attached(&self, request: &Request) -> Result<Tree, Fault> {
        let holder = need_holder(request)?;
        let state = self.registry.read();
        let entity = state.entity(holder).ok_or_else(|| no_such(holder))?;
        let mut arns: Vec<&String> = entity.attached.iter().collect();
        arns.sort();
        let shown = arns.into_iter().map(|arn| {
            let name = arn.rsplit('/').next().unwrap_or(arn);
            let members =
                [("PolicyName", Tree::from(name)), ("PolicyArn", Tree::from(arn.as_str()))];
            (arn.clone(), Tree::map(members))
        });
        Ok(page(request, "AttachedPolicies", shown.collect()))
    }

    /// Who has a policy, or is bounded by it.
    pub(super) fn list_entities(&self, request: &Request) -> Result<Tree, Fault> {
        let arn = need(request, "PolicyArn")?;
        let input = &request.input;
        let kind = one_of(input.text("EntityFilter"), "entityFilter", &ENTITIES)?;
        let usage = one_of(input.text("PolicyUsageFilter"), "policyUsageFilter", &USAGES)?;
        let prefix = input.text("PathPrefix").unwrap_or("/");
        let state = self.registry.read();
        attachable(arn, &state, &self.account)?;
        let has = |entity: &Entity| {
            let attached = entity.attached.iter().any(|other| other == arn);
            let bounds = entity.boundary.as_deref() == Some(arn);
            let used = match usage {
                Some("PermissionsPolicy") => attached,
                Some(_) => bounds,
                None => attached || bounds,
            };
            used && entity.path.starts_with(prefix)
        };
        let list = |wanted: &str, entities: &mut dyn Iterator<Item = &Entity>| {
            let (name, id) = (format!("{wanted}Name"), format!("{wanted}Id"));
            let shown = |entity: &Entity| {
                let of = [(&name, &entity.name), (&id, &entity.id)];
                Tree::map(of.map(|(member, text)| (member.clone(), Tree::from(text.as_str()))))
            };
            let meant = kind.is_none_or(|kind| kind == wanted);
            Tree::List(entities.filter(|entity| meant && has(entity)).map(shown).collect())
        };
        let users = list("User", &mut state.users.values().map(|user| &user.entity));
        let groups = list("Group", &mut state.groups.values().map(|group| &group.entity));
        let roles = list("Role", &mut state.roles.values().map(|role| &role.entity));
        Ok(Tree::map([
            ("PolicyGroups", groups),
            ("PolicyUsers", users),
            ("PolicyRoles", roles),
            ("IsTruncated", Tree::Bool(false)),
        ]))
    }
}

/// Whom a policy hangs on or bounds; the last two name kinds of policies, hence nobody.
const ENTITIES: [&str; 5] = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"];
/// What a policy is used for.
pub(super) const USAGES: [&str; 2] = ["PermissionsPolicy", "PermissionsBoundary"];

/// A text that must be one of these, where it is given.
pub(super) fn one_of<'t>(
    text: Option<&'t str>,
    member: &str,
    known: &[&str],
) -> Result<Option<&'t str>, Fault> {
    match text.filter(|text| !known.contains(text)) {
        None => Ok(text),
        Some(other) => Err(invalid(format!(
            "1 validation error detected: Value '{other}' at '{member}' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
            known.join(", ")
        ))),
    }
}
