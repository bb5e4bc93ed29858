//! Managed policies that hang on users and roles.

use flow::{AccountId, Fault, Request, Tree};

use super::{
    need, need_holder,
    page::page,
    wording::{conflict, gone, limit, no_such},
};
use crate::{
    Identity, aws_managed,
    entity::Entity,
    registry::{Holder, State},
};

/// Managed policies of one user or role, as on AWS.
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

    pub(super) fn list_entities(&self, request: &Request) -> Result<Tree, Fault> {
        let arn = need(request, "PolicyArn")?;
        let state = self.registry.read();
        attachable(arn, &state, &self.account)?;
        let has = |entity: &Entity| entity.attached.iter().any(|other| other == arn);
        let shown = |entity: &Entity, name: &'static str, id: &'static str| {
            Tree::map([
                (name, Tree::from(entity.name.as_str())),
                (id, Tree::from(entity.id.as_str())),
            ])
        };
        let users = state.users.values().filter(|user| has(&user.entity));
        let users = users.map(|user| shown(&user.entity, "UserName", "UserId")).collect();
        let roles = state.roles.values().filter(|role| has(&role.entity));
        let roles = roles.map(|role| shown(&role.entity, "RoleName", "RoleId")).collect();
        Ok(Tree::map([
            ("PolicyGroups", Tree::List(Vec::new())),
            ("PolicyUsers", Tree::List(users)),
            ("PolicyRoles", Tree::List(roles)),
            ("IsTruncated", Tree::Bool(false)),
        ]))
    }
}
