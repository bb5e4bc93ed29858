//! Roles.

use flow::{Fault, Request, Tree};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use policy::{Kind, Policy};

use super::{
    SESSION_SECONDS_DEFAULT, boundary, conflict_of, exists, malformed, need,
    page::page,
    tags,
    users::{check_name, path},
    wording::{invalid, limit, no_such},
};
use crate::{
    Identity,
    ensure::ROLE_ID,
    entity::{Entity, Role},
    registry::{Change, Holder},
};

/// The longest name of a role, in characters.
const NAME_CHARS_MAX: usize = 64;
/// Roles of an account, the longest document that says who may assume one (in characters without
/// blanks), the longest description (in characters), as on AWS.
const ROLES_MAX: usize = 5_000;
const TRUST_CHARS_MAX: usize = 8_192;
const DESCRIPTION_CHARS_MAX: usize = 1_000;
/// How long a role may let its sessions last, in seconds.
const SESSION_SECONDS_MIN: i64 = 3_600;
const SESSION_SECONDS_MAX: i64 = 43_200;

/// What RFC 3986 leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A document as IAM answers it.
pub(super) fn encoded(document: &str) -> Tree {
    Tree::from(utf8_percent_encode(document, UNRESERVED).to_string())
}

impl Identity {
    pub(super) async fn create_role(&self, request: &Request) -> Result<Tree, Fault> {
        let name = need(request, "RoleName")?;
        check_name("roleName", name, NAME_CHARS_MAX)?;
        let (path, tags) = (path(request)?, tags::given(request)?);
        let trust = trust(need(request, "AssumeRolePolicyDocument")?)?;
        let description = description(request)?;
        let session_seconds_max = session_seconds(request)?.unwrap_or(SESSION_SECONDS_DEFAULT);
        let _turn = self.registry.turn.lock().await;
        let role = {
            let state = self.registry.read();
            if state.roles.keys().any(|other| other.eq_ignore_ascii_case(name)) {
                return Err(exists(format!("Role with name {name} already exists.")));
            }
            if state.roles.len() >= ROLES_MAX {
                return Err(limit(format!("Cannot exceed quota for RolesPerAccount: {ROLES_MAX}")));
            }
            let mut entity = Entity::new(ROLE_ID, name, path, self.clock.now(), &*self.chance);
            entity.tags = tags;
            entity.boundary = boundary::given(request, &state, &self.account)?;
            Role { entity, trust, description, session_seconds_max }
        };
        let shown = self.role_tree(&role, true);
        self.keep(Change::Role(role)).await?;
        Ok(Tree::map([("Role", shown)]))
    }

    pub(super) fn get_role(&self, request: &Request) -> Result<Tree, Fault> {
        let name = need(request, "RoleName")?;
        let state = self.registry.read();
        let role = state.roles.get(name).ok_or_else(|| no_such(Holder::Role(name)))?;
        Ok(Tree::map([("Role", self.role_tree(role, true))]))
    }

    pub(super) fn list_roles(&self, request: &Request) -> Tree {
        let prefix = request.input.text("PathPrefix").unwrap_or("/");
        let state = self.registry.read();
        let roles = state.roles.values().filter(|role| role.entity.path.starts_with(prefix));
        let roles = roles.map(|role| (role.entity.name.clone(), self.role_tree(role, false)));
        page(request, "Roles", roles.collect())
    }

    pub(super) async fn update_role(&self, request: &Request) -> Result<Tree, Fault> {
        let (description, seconds) = (description(request)?, session_seconds(request)?);
        self.edit_role(request, |role| {
            role.description = description;
            role.session_seconds_max = seconds.unwrap_or(SESSION_SECONDS_DEFAULT);
        })
        .await?;
        Ok(Tree::Null)
    }

    pub(super) async fn update_role_description(&self, request: &Request) -> Result<Tree, Fault> {
        let description = description(request)?;
        let role = self.edit_role(request, |role| role.description = description).await?;
        Ok(Tree::map([("Role", self.role_tree(&role, true))]))
    }

    pub(super) async fn update_trust(&self, request: &Request) -> Result<Tree, Fault> {
        let trust = trust(need(request, "PolicyDocument")?)?;
        self.edit_role(request, |role| role.trust = trust).await?;
        Ok(Tree::Null)
    }

    pub(super) async fn delete_role(&self, request: &Request) -> Result<Tree, Fault> {
        let name = need(request, "RoleName")?;
        let _turn = self.registry.turn.lock().await;
        {
            let state = self.registry.read();
            let role = state.roles.get(name).ok_or_else(|| no_such(Holder::Role(name)))?;
            conflict_of(&role.entity)?;
        }
        self.keep(Change::NoRole(name.to_owned())).await?;
        Ok(Tree::Null)
    }

    async fn edit_role(
        &self,
        request: &Request,
        how: impl FnOnce(&mut Role) + Send,
    ) -> Result<Role, Fault> {
        let name = need(request, "RoleName")?;
        let _turn = self.registry.turn.lock().await;
        let role = {
            let state = self.registry.read();
            let holder = Holder::Role(name);
            let mut role = state.roles.get(name).ok_or_else(|| no_such(holder))?.as_ref().clone();
            how(&mut role);
            role
        };
        self.keep(Change::Role(role.clone())).await?;
        Ok(role)
    }

    fn role_tree(&self, role: &Role, whole: bool) -> Tree {
        let entity = &role.entity;
        let mut members = vec![
            ("Path", Tree::from(entity.path.as_str())),
            ("RoleName", Tree::from(entity.name.as_str())),
            ("RoleId", Tree::from(entity.id.as_str())),
            ("Arn", Tree::from(entity.arn(&self.account, "role"))),
            ("CreateDate", Tree::from(entity.created)),
            ("AssumeRolePolicyDocument", encoded(&role.trust)),
            ("Description", Tree::from(role.description.clone())),
            ("MaxSessionDuration", Tree::Int(role.session_seconds_max)),
        ];
        if whole {
            members.extend(boundary::shown(entity));
            members.extend(tags::shown(&entity.tags));
        }
        Tree::map(members)
    }
}

/// A document that can be honoured as one that says who may assume a role.
fn trust(document: &str) -> Result<String, Fault> {
    if document.chars().filter(|c| !c.is_whitespace()).count() > TRUST_CHARS_MAX {
        return Err(limit(format!("Cannot exceed quota for ACLSizePerRole: {TRUST_CHARS_MAX}")));
    }
    Policy::parse(document, Kind::Trust).map_err(|why| malformed(&why))?;
    Ok(document.to_owned())
}

fn description(request: &Request) -> Result<Option<String>, Fault> {
    let text = request.input.text("Description");
    if text.is_some_and(|text| text.chars().count() > DESCRIPTION_CHARS_MAX) {
        return Err(invalid(format!(
            "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to {DESCRIPTION_CHARS_MAX}"
        )));
    }
    Ok(text.filter(|text| !text.is_empty()).map(str::to_owned))
}

fn session_seconds(request: &Request) -> Result<Option<i64>, Fault> {
    let seconds = request.input.int("MaxSessionDuration");
    let bound = match seconds {
        Some(..SESSION_SECONDS_MIN) => format!("greater than or equal to {SESSION_SECONDS_MIN}"),
        Some(seconds) if seconds > SESSION_SECONDS_MAX => {
            format!("less than or equal to {SESSION_SECONDS_MAX}")
        }
        seconds => return Ok(seconds),
    };
    let seconds = seconds.unwrap_or_default();
    Err(invalid(format!(
        "1 validation error detected: Value '{seconds}' at 'maxSessionDuration' failed to satisfy constraint: Member must have value {bound}"
    )))
}
