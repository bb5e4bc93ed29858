//! Permissions boundaries.

use flow::{AccountId, Fault, Request, Tree};

use super::{attached::attachable, need, need_holder, wording::gone};
use crate::{Identity, entity::Entity, registry::State};

/// The boundary that a request gives to something new.
pub(super) fn given(
    request: &Request,
    state: &State,
    account: &AccountId,
) -> Result<Option<String>, Fault> {
    let Some(arn) = request.input.text("PermissionsBoundary") else { return Ok(None) };
    attachable(arn, state, account)?;
    Ok(Some(arn.to_owned()))
}

/// The member of an answer.
pub(super) fn shown(entity: &Entity) -> Option<(&'static str, Tree)> {
    let arn = entity.boundary.as_deref()?;
    let kind = Tree::from("PermissionsBoundaryPolicy");
    let members = [("PermissionsBoundaryType", kind), ("PermissionsBoundaryArn", Tree::from(arn))];
    Some(("PermissionsBoundary", Tree::map(members)))
}

impl Identity {
    pub(super) async fn put_boundary(&self, request: &Request) -> Result<Tree, Fault> {
        let arn = need(request, "PermissionsBoundary")?;
        self.edit(need_holder(request)?, |entity, state| {
            attachable(arn, state, &self.account)?;
            entity.boundary = Some(arn.to_owned());
            Ok(Tree::Null)
        })
        .await
    }

    pub(super) async fn delete_boundary(&self, request: &Request) -> Result<Tree, Fault> {
        self.edit(need_holder(request)?, |entity, _| {
            let name = &entity.name;
            let none = || gone(format!("{name} does not have a permissions boundary."));
            entity.boundary.take().ok_or_else(none)?;
            Ok(Tree::Null)
        })
        .await
    }
}
