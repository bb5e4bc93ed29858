//! Users.

use flow::{Fault, Principal, Request, Tree};

use super::{
    boundary, conflict_of, exists,
    groups::in_group,
    need,
    page::page,
    tags,
    wording::{conflict, gone, invalid, limit, missing, no_such},
};
use crate::{
    Identity,
    entity::{Entity, User},
    registry::{Change, Holder},
};

/// The prefix of users' unique ids.
pub(crate) const USER_ID: &str = "AIDA";
/// The longest name of a user or a role, and path, in characters.
const NAME_CHARS_MAX: usize = 64;
const PATH_CHARS_MAX: usize = 512;
/// Users of an account, as on AWS.
const USERS_MAX: usize = 5_000;

impl Identity {
    pub(super) async fn create_user(&self, request: &Request) -> Result<Tree, Fault> {
        let name = need(request, "UserName")?;
        check_name("userName", name, NAME_CHARS_MAX)?;
        let path = path(request)?;
        let tags = tags::given(request)?;
        let _turn = self.registry.turn.lock().await;
        let user = {
            let state = self.registry.read();
            if state.users.keys().any(|other| other.eq_ignore_ascii_case(name)) {
                return Err(exists(format!("User with name {name} already exists.")));
            }
            if state.users.len() >= USERS_MAX {
                return Err(limit(format!("Cannot exceed quota for UsersPerAccount: {USERS_MAX}")));
            }
            let mut entity = Entity::new(USER_ID, name, path, self.clock.now(), &*self.chance);
            entity.tags = tags;
            entity.boundary = boundary::given(request, &state, &self.account)?;
            User { entity, keys: Vec::new() }
        };
        let shown = self.user_tree(&user, true);
        self.keep(Change::User(user)).await?;
        Ok(Tree::map([("User", shown)]))
    }

    pub(super) fn get_user(&self, request: &Request) -> Result<Tree, Fault> {
        if let (None, Principal::Root) = (request.input.text("UserName"), &request.caller.principal)
        {
            let root = [
                ("Path", Tree::from("/")),
                ("UserName", Tree::from("root")),
                ("UserId", Tree::from(self.account.as_str())),
                ("Arn", Tree::from(request.caller.arn())),
            ];
            return Ok(Tree::map([("User", Tree::map(root))]));
        }
        let name = own_or_named(request)?;
        let state = self.registry.read();
        let user = state.users.get(name).ok_or_else(|| no_such(Holder::User(name)))?;
        Ok(Tree::map([("User", self.user_tree(user, true))]))
    }

    pub(super) fn list_users(&self, request: &Request) -> Tree {
        let prefix = request.input.text("PathPrefix").unwrap_or("/");
        let state = self.registry.read();
        let users = state.users.values().filter(|user| user.entity.path.starts_with(prefix));
        let users = users.map(|user| (user.entity.name.clone(), self.user_tree(user, false)));
        page(request, "Users", users.collect())
    }

    pub(super) async fn update_user(&self, request: &Request) -> Result<Tree, Fault> {
        let name = need(request, "UserName")?;
        if request.input.text("NewUserName").is_some_and(|new| new != name) {
            let why = "This server does not rename users: create another and delete this one.";
            return Err(Fault::new("UnsupportedOperation", why));
        }
        let path = match request.input.text("NewPath") {
            Some(path) => Some(check_path(path)?.to_owned()),
            None => None,
        };
        self.edit(Holder::User(name), |user, _| {
            user.path = path.unwrap_or_else(|| user.path.clone());
            Ok(Tree::Null)
        })
        .await
    }

    pub(super) async fn delete_user(&self, request: &Request) -> Result<Tree, Fault> {
        let name = need(request, "UserName")?;
        let _turn = self.registry.turn.lock().await;
        {
            let state = self.registry.read();
            let user = state.users.get(name).ok_or_else(|| no_such(Holder::User(name)))?;
            conflict_of(&user.entity)?;
            if !user.keys.is_empty() {
                return Err(conflict("Cannot delete entity, must delete access keys first."));
            }
            if state.groups_of(name).next().is_some() {
                return Err(in_group());
            }
        }
        self.keep(Change::NoUser(name.to_owned())).await?;
        Ok(Tree::Null)
    }

    /// Nobody signs in with a password here.
    pub(super) fn no_login_profile(&self, request: &Request) -> Result<Tree, Fault> {
        let name = own_or_named(request)?;
        self.registry.read().users.get(name).ok_or_else(|| no_such(Holder::User(name)))?;
        Err(gone(format!("Login Profile for User {name} cannot be found.")))
    }

    pub(super) fn user_tree(&self, user: &User, whole: bool) -> Tree {
        let entity = &user.entity;
        let mut members = vec![
            ("Path", Tree::from(entity.path.as_str())),
            ("UserName", Tree::from(entity.name.as_str())),
            ("UserId", Tree::from(entity.id.as_str())),
            ("Arn", Tree::from(entity.arn(&self.account, "user"))),
            ("CreateDate", Tree::from(entity.created)),
        ];
        if whole {
            members.extend(boundary::shown(entity));
            members.extend(tags::shown(&entity.tags));
        }
        Tree::map(members)
    }
}

/// The user that a request is about: named, or whoever calls.
pub(super) fn own_or_named(request: &Request) -> Result<&str, Fault> {
    match (request.input.text("UserName"), &request.caller.principal) {
        (Some(name), _) => Ok(name),
        (None, Principal::User { name, .. }) => Ok(name),
        (None, Principal::Root) => Err(missing("userName")),
        (None, _) => Err(invalid("Must specify userName when calling with non-User credentials")),
    }
}

/// Whether a text is made of the letters that names have.
pub(crate) fn is_name(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    !text.is_empty() && text.chars().all(letter)
}

pub(crate) fn check_name(member: &str, name: &str, chars_max: usize) -> Result<(), Fault> {
    if !is_name(name) {
        return Err(invalid(format!(
            "The specified value for {member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
        )));
    }
    if name.len() > chars_max {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must have length less than or equal to {chars_max}"
        )));
    }
    Ok(())
}

/// The path that a request gives to something new.
pub(super) fn path(request: &Request) -> Result<&str, Fault> {
    check_path(request.input.text("Path").unwrap_or("/"))
}

pub(super) fn check_path(path: &str) -> Result<&str, Fault> {
    let letters = path.chars().all(|c| ('!'..='~').contains(&c)) && !path.contains(['*', '?']);
    if path.starts_with('/') && path.ends_with('/') && letters && path.len() <= PATH_CHARS_MAX {
        Ok(path)
    } else {
        Err(invalid(
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
        ))
    }
}
