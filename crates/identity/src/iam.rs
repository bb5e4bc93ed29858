//! The calls of IAM.

mod access_keys;
mod attached;
mod boundary;
mod groups;
mod inline;
mod managed;
mod page;
mod roles;
mod tags;
mod users;
mod wording;

use flow::{Answer, Fault, Principal, Request, Tree};
use tracing::error;

use self::attached::conflict_of;
pub(crate) use self::{
    attached::attachable,
    users::{USER_ID, check_name, is_name},
    wording::{exists, invalid, malformed, no_such},
};
use crate::{
    Identity,
    entity::Entity,
    registry::{Change, Holder, State},
};

/// How long a role's sessions may last at most where nobody says, in seconds.
pub(crate) const SESSION_SECONDS_DEFAULT: i64 = 3_600;

/// Lists of what users and roles never have here, and the member that the empty list stands in.
const EMPTY_LISTS: &[(&str, &str)] = &[
    ("ListAccountAliases", "AccountAliases"),
    ("ListInstanceProfiles", "InstanceProfiles"),
    ("ListInstanceProfilesForRole", "InstanceProfiles"),
    ("ListMFADevices", "MFADevices"),
    ("ListSSHPublicKeys", "SSHPublicKeys"),
    ("ListServiceSpecificCredentials", "ServiceSpecificCredentials"),
    ("ListSigningCertificates", "Certificates"),
];

impl Identity {
    pub(crate) async fn iam(&self, request: &Request) -> Result<Answer, Fault> {
        let session = request.caller.session.is_some();
        if session && !matches!(request.caller.principal, Principal::AssumedRole { .. }) {
            // API_GetSessionToken: its credentials do not open IAM without a second factor.
            let why = "The security token included in the request is invalid";
            return Err(Fault::new("InvalidClientTokenId", why).with_status(403));
        }
        let output = match self.about_users_and_roles(request).await {
            Some(result) => result?,
            None => match self.about_groups(request).await {
                Some(result) => result?,
                None => self.about_policies(request).await?,
            },
        };
        Ok(output.into())
    }

    /// `None` where it is another operation.
    async fn about_groups(&self, request: &Request) -> Option<Result<Tree, Fault>> {
        Some(match request.operation.as_str() {
            "CreateGroup" => self.create_group(request).await,
            "GetGroup" => self.get_group(request),
            "ListGroups" => Ok(self.list_groups(request)),
            "ListGroupsForUser" => self.list_groups_of_user(request),
            "UpdateGroup" => self.update_group(request).await,
            "DeleteGroup" => self.delete_group(request).await,
            "AddUserToGroup" => self.add_to_group(request).await,
            "RemoveUserFromGroup" => self.remove_from_group(request).await,
            _ => return None,
        })
    }

    /// `None` where it is another operation.
    async fn about_users_and_roles(&self, request: &Request) -> Option<Result<Tree, Fault>> {
        Some(match request.operation.as_str() {
            "CreateUser" => self.create_user(request).await,
            "GetUser" => self.get_user(request),
            "ListUsers" => Ok(self.list_users(request)),
            "UpdateUser" => self.update_user(request).await,
            "DeleteUser" => self.delete_user(request).await,
            "GetLoginProfile" | "DeleteLoginProfile" => self.no_login_profile(request),
            "GetAccountPasswordPolicy" => Err(wording::gone(format!(
                "The Password Policy with domain name {} cannot be found.",
                self.account
            ))),
            "CreateAccessKey" => self.create_access_key(request).await,
            "ListAccessKeys" => self.list_access_keys(request),
            "UpdateAccessKey" => self.update_access_key(request).await,
            "DeleteAccessKey" => self.delete_access_key(request).await,
            "CreateRole" => self.create_role(request).await,
            "GetRole" => self.get_role(request),
            "ListRoles" => Ok(self.list_roles(request)),
            "UpdateRole" => self.update_role(request).await,
            "UpdateRoleDescription" => self.update_role_description(request).await,
            "UpdateAssumeRolePolicy" => self.update_trust(request).await,
            "DeleteRole" => self.delete_role(request).await,
            "TagUser" | "TagRole" => self.tag(request).await,
            "UntagUser" | "UntagRole" => self.untag(request).await,
            "ListUserTags" | "ListRoleTags" => self.list_tags(request),
            "PutUserPermissionsBoundary" | "PutRolePermissionsBoundary" => {
                self.put_boundary(request).await
            }
            "DeleteUserPermissionsBoundary" | "DeleteRolePermissionsBoundary" => {
                self.delete_boundary(request).await
            }
            _ => return None,
        })
    }

    async fn about_policies(&self, request: &Request) -> Result<Tree, Fault> {
        match request.operation.as_str() {
            "PutUserPolicy" | "PutGroupPolicy" | "PutRolePolicy" => self.put_inline(request).await,
            "GetUserPolicy" | "GetGroupPolicy" | "GetRolePolicy" => self.get_inline(request),
            "ListUserPolicies" | "ListGroupPolicies" | "ListRolePolicies" => {
                self.list_inline(request)
            }
            "DeleteUserPolicy" | "DeleteGroupPolicy" | "DeleteRolePolicy" => {
                self.delete_inline(request).await
            }
            "AttachUserPolicy" | "AttachGroupPolicy" | "AttachRolePolicy" => {
                self.attach(request).await
            }
            "DetachUserPolicy" | "DetachGroupPolicy" | "DetachRolePolicy" => {
                self.detach(request).await
            }
            "ListAttachedUserPolicies"
            | "ListAttachedGroupPolicies"
            | "ListAttachedRolePolicies" => self.list_attached(request),
            "ListEntitiesForPolicy" => self.list_entities(request),
            "CreatePolicy" => self.create_policy(request).await,
            "GetPolicy" => self.get_policy(request),
            "ListPolicies" => self.list_policies(request),
            "DeletePolicy" => self.delete_policy(request).await,
            "CreatePolicyVersion" => self.create_policy_version(request).await,
            "GetPolicyVersion" => self.get_policy_version(request),
            "ListPolicyVersions" => self.list_policy_versions(request),
            "SetDefaultPolicyVersion" => self.set_default_version(request).await,
            "DeletePolicyVersion" => self.delete_policy_version(request).await,
            "TagPolicy" => self.tag_policy(request).await,
            "UntagPolicy" => self.untag_policy(request).await,
            "ListPolicyTags" => self.list_policy_tags(request),
            other => {
                if let Some((_, member)) = EMPTY_LISTS.iter().find(|(name, _)| *name == other) {
                    return self.empty_list(request, member);
                }
                let what = format!("This server does not offer the operation {other} of IAM.");
                Err(Fault::new("UnsupportedOperation", what))
            }
        }
    }

    /// What a user or role never has; there must be such a user or role.
    fn empty_list(&self, request: &Request, member: &str) -> Result<Tree, Fault> {
        if let Some(holder) = holder(request) {
            let state = self.registry.read();
            state.entity(holder).ok_or_else(|| no_such(holder))?;
        }
        Ok(Tree::map([(member, Tree::List(Vec::new())), ("IsTruncated", Tree::Bool(false))]))
    }

    /// Changes a user, a group or a role as `how` says, which sees what else there is.
    async fn edit<T>(
        &self,
        holder: Holder<'_>,
        how: impl FnOnce(&mut Entity, &State) -> Result<T, Fault> + Send,
    ) -> Result<T, Fault> {
        let _turn = self.registry.turn.lock().await;
        let (change, made) = {
            let state = self.registry.read();
            match holder {
                Holder::User(name) => {
                    let mut user =
                        state.users.get(name).ok_or_else(|| no_such(holder))?.as_ref().clone();
                    let made = how(&mut user.entity, &state)?;
                    (Change::User(user), made)
                }
                Holder::Group(name) => {
                    let mut group =
                        state.groups.get(name).ok_or_else(|| no_such(holder))?.as_ref().clone();
                    let made = how(&mut group.entity, &state)?;
                    (Change::Group(group), made)
                }
                Holder::Role(name) => {
                    let mut role =
                        state.roles.get(name).ok_or_else(|| no_such(holder))?.as_ref().clone();
                    let made = how(&mut role.entity, &state)?;
                    (Change::Role(role), made)
                }
            }
        };
        self.keep(change).await?;
        Ok(made)
    }

    /// Durable when it returns.
    pub(crate) async fn keep(&self, change: Change) -> Result<(), Fault> {
        self.registry.change(change).await.map_err(|error| {
            error!(%error, "A change of users, roles or policies could not be kept");
            Fault::internal()
        })
    }
}

/// The user, group or role that a request names.
fn holder(request: &Request) -> Option<Holder<'_>> {
    let role = request.input.text("RoleName").map(Holder::Role);
    let group = || request.input.text("GroupName").map(Holder::Group);
    role.or_else(group).or_else(|| request.input.text("UserName").map(Holder::User))
}

/// The user, group or role that a request must name.
fn need_holder(request: &Request) -> Result<Holder<'_>, Fault> {
    let of = |kind: &str| request.operation.contains(kind);
    holder(request).ok_or_else(|| {
        let named = [("Role", "roleName"), ("Group", "groupName")];
        let member = named.iter().find(|(kind, _)| of(kind));
        wording::missing(member.map_or("userName", |(_, member)| member))
    })
}

/// A text that a request must hold.
fn need<'r>(request: &'r Request, name: &str) -> Result<&'r str, Fault> {
    request.input.text(name).ok_or_else(|| {
        let mut member = name.to_owned();
        if let Some(first) = member.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        wording::missing(&member)
    })
}
