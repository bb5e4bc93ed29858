//! Groups: users who have policies together.

use std::collections::BTreeSet;

use flow::{Fault, Request, Tree};

use super::{
    conflict_of, exists, need,
    page::page,
    users::{check_name, check_path, path},
    wording::{conflict, gone, limit, no_such},
};
use crate::{
    Identity,
    entity::{Entity, Group},
    registry::{Change, Holder},
};

/// The prefix of groups' unique ids.
const GROUP_ID: &str = "AGPA";
/// The longest name of a group, in characters.
const NAME_CHARS_MAX: usize = 128;
/// Groups of an account, and those that one user is in, as on AWS.
const GROUPS_MAX: usize = 300;
const GROUPS_OF_USER_MAX: usize = 10;

impl Identity {
    pub(super) async fn create_group(&self, request: &Request) -> Result<Tree, Fault> {
        let name = need(request, "GroupName")?;
        check_name("groupName", name, NAME_CHARS_MAX)?;
        let path = path(request)?;
        let _turn = self.registry.turn.lock().await;
        let group = {
            let state = self.registry.read();
            if state.groups.keys().any(|other| other.eq_ignore_ascii_case(name)) {
                return Err(exists(format!("Group with name {name} already exists.")));
            }
            if state.groups.len() >= GROUPS_MAX {
                return Err(limit(format!(
                    "Cannot exceed quota for GroupsPerAccount: {GROUPS_MAX}"
                )));
            }
            let entity = Entity::new(GROUP_ID, name, path, self.clock.now(), &*self.chance);
            Group { entity, members: BTreeSet::new() }
        };
        let shown = self.group_tree(&group);
        self.keep(Change::Group(group)).await?;
        Ok(Tree::map([("Group", shown)]))
    }

    /// A group with a page of its members.
    pub(super) fn get_group(&self, request: &Request) -> Result<Tree, Fault> {
        let name = need(request, "GroupName")?;
        let state = self.registry.read();
        let group = state.groups.get(name).ok_or_else(|| no_such(Holder::Group(name)))?;
        let users = group.members.iter().filter_map(|member| state.users.get(member));
        let users = users.map(|user| (user.entity.name.clone(), self.user_tree(user, false)));
        let mut answer = page(request, "Users", users.collect());
        if let Tree::Map(members) = &mut answer {
            members.push(("Group".into(), self.group_tree(group)));
        }
        Ok(answer)
    }

    pub(super) fn list_groups(&self, request: &Request) -> Tree {
        let prefix = request.input.text("PathPrefix").unwrap_or("/");
        let state = self.registry.read();
        let groups = state.groups.values().filter(|group| group.entity.path.starts_with(prefix));
        let groups = groups.map(|group| (group.entity.name.clone(), self.group_tree(group)));
        page(request, "Groups", groups.collect())
    }

    pub(super) fn list_groups_of_user(&self, request: &Request) -> Result<Tree, Fault> {
        let name = need(request, "UserName")?;
        let state = self.registry.read();
        state.users.get(name).ok_or_else(|| no_such(Holder::User(name)))?;
        let groups = state.groups_of(name);
        let groups = groups.map(|group| (group.entity.name.clone(), self.group_tree(group)));
        Ok(page(request, "Groups", groups.collect()))
    }

    pub(super) async fn update_group(&self, request: &Request) -> Result<Tree, Fault> {
        let name = need(request, "GroupName")?;
        if request.input.text("NewGroupName").is_some_and(|new| new != name) {
            let why = "This server does not rename groups: create another and delete this one.";
            return Err(Fault::new("UnsupportedOperation", why));
        }
        let path = request.input.text("NewPath").map(check_path).transpose()?.map(str::to_owned);
        self.edit(Holder::Group(name), |group, _| {
            group.path = path.unwrap_or_else(|| group.path.clone());
            Ok(Tree::Null)
        })
        .await
    }

    pub(super) async fn delete_group(&self, request: &Request) -> Result<Tree, Fault> {
        let name = need(request, "GroupName")?;
        let _turn = self.registry.turn.lock().await;
        {
            let state = self.registry.read();
            let group = state.groups.get(name).ok_or_else(|| no_such(Holder::Group(name)))?;
            if !group.members.is_empty() {
                return Err(in_group());
            }
            conflict_of(&group.entity)?;
        }
        self.keep(Change::NoGroup(name.to_owned())).await?;
        Ok(Tree::Null)
    }

    pub(super) async fn add_to_group(&self, request: &Request) -> Result<Tree, Fault> {
        self.edit_members(request, |members, user, in_others| {
            if in_others >= GROUPS_OF_USER_MAX && !members.contains(user) {
                let quota = "GroupsPerUser";
                return Err(limit(format!(
                    "Cannot exceed quota for {quota}: {GROUPS_OF_USER_MAX}"
                )));
            }
            members.insert(user.to_owned());
            Ok(())
        })
        .await
    }

    pub(super) async fn remove_from_group(&self, request: &Request) -> Result<Tree, Fault> {
        let group = need(request, "GroupName")?;
        self.edit_members(request, |members, user, _| {
            let was = members.remove(user);
            was.then_some(()).ok_or_else(|| gone(format!("User {user} not in group {group}")))
        })
        .await
    }

    /// Changes the members of a group as `how` says, which sees whom it is about and how many
    /// groups they are in.
    async fn edit_members(
        &self,
        request: &Request,
        how: impl FnOnce(&mut BTreeSet<String>, &str, usize) -> Result<(), Fault> + Send,
    ) -> Result<Tree, Fault> {
        let (name, user) = (need(request, "GroupName")?, need(request, "UserName")?);
        let _turn = self.registry.turn.lock().await;
        let group = {
            let state = self.registry.read();
            let holder = Holder::Group(name);
            let mut group = state.groups.get(name).ok_or_else(|| no_such(holder))?.as_ref().clone();
            state.users.get(user).ok_or_else(|| no_such(Holder::User(user)))?;
            how(&mut group.members, user, state.groups_of(user).count())?;
            group
        };
        self.keep(Change::Group(group)).await?;
        Ok(Tree::Null)
    }

    fn group_tree(&self, group: &Group) -> Tree {
        let entity = &group.entity;
        Tree::map([
            ("Path", Tree::from(entity.path.as_str())),
            ("GroupName", Tree::from(entity.name.as_str())),
            ("GroupId", Tree::from(entity.id.as_str())),
            ("Arn", Tree::from(entity.arn(&self.account, "group"))),
            ("CreateDate", Tree::from(entity.created)),
        ])
    }
}

/// A group with members stays, and so does a member.
pub(super) fn in_group() -> Fault {
    conflict("Cannot delete entity, must remove users from group first.")
}
