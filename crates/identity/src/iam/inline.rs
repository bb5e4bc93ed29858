//! Policies that stand in a user, a group or a role.

use flow::{Fault, Request, Tree};
use policy::{Kind, Policy};

use super::{
    malformed, need, need_holder,
    page::page,
    roles::encoded,
    users::check_name,
    wording::{gone, limit, no_such},
};
use crate::{Identity, registry::Holder};

/// The longest name of a policy, in characters.
pub(super) const NAME_CHARS_MAX: usize = 128;
/// What all inline policies of one user, group or role take at most, in characters without blanks.
const USER_CHARS_MAX: usize = 2_048;
const GROUP_CHARS_MAX: usize = 5_120;
const ROLE_CHARS_MAX: usize = 10_240;

impl Identity {
    pub(super) async fn put_inline(&self, request: &Request) -> Result<Tree, Fault> {
        let (name, document) = (need(request, "PolicyName")?, need(request, "PolicyDocument")?);
        check_name("policyName", name, NAME_CHARS_MAX)?;
        Policy::parse(document, Kind::Identity).map_err(|why| malformed(&why))?;
        let holder = need_holder(request)?;
        let (kind, chars_max) = match holder {
            Holder::User(_) => ("user", USER_CHARS_MAX),
            Holder::Group(_) => ("group", GROUP_CHARS_MAX),
            Holder::Role(_) => ("role", ROLE_CHARS_MAX),
        };
        self.edit(holder, |entity, _| {
            entity.inline.insert(name.to_owned(), document.to_owned());
            let chars = |text: &String| text.chars().filter(|c| !c.is_whitespace()).count();
            if entity.inline.values().map(chars).sum::<usize>() > chars_max {
                let owner = &entity.name;
                return Err(limit(format!(
                    "Maximum policy size of {chars_max} bytes exceeded for {kind} {owner}"
                )));
            }
            Ok(Tree::Null)
        })
        .await
    }

    pub(super) fn get_inline(&self, request: &Request) -> Result<Tree, Fault> {
        let (holder, name) = (need_holder(request)?, need(request, "PolicyName")?);
        let state = self.registry.read();
        let entity = state.entity(holder).ok_or_else(|| no_such(holder))?;
        let document = entity.inline.get(name).ok_or_else(|| no_policy(holder, name))?;
        let (member, owner) = match holder {
            Holder::User(owner) => ("UserName", owner),
            Holder::Group(owner) => ("GroupName", owner),
            Holder::Role(owner) => ("RoleName", owner),
        };
        Ok(Tree::map([
            (member, Tree::from(owner)),
            ("PolicyName", Tree::from(name)),
            ("PolicyDocument", encoded(document)),
        ]))
    }

    pub(super) fn list_inline(&self, request: &Request) -> Result<Tree, Fault> {
        let holder = need_holder(request)?;
        let state = self.registry.read();
        let entity = state.entity(holder).ok_or_else(|| no_such(holder))?;
        let names = entity.inline.keys().map(|name| (name.clone(), Tree::from(name.as_str())));
        Ok(page(request, "PolicyNames", names.collect()))
    }

    pub(super) async fn delete_inline(&self, request: &Request) -> Result<Tree, Fault> {
        let (holder, name) = (need_holder(request)?, need(request, "PolicyName")?);
        self.edit(holder, |entity, _| {
            entity.inline.remove(name).ok_or_else(|| no_policy(holder, name))?;
            Ok(Tree::Null)
        })
        .await
    }
}

fn no_policy(holder: Holder<'_>, name: &str) -> Fault {
    let kind = match holder {
        Holder::User(_) => "user",
        Holder::Group(_) => "group",
        Holder::Role(_) => "role",
    };
    gone(format!("The {kind} policy with name {name} cannot be found."))
}
