//! Policies of their own, in versions.

use std::collections::BTreeMap;

use flow::{Fault, Request, Tree};
use policy::{Kind, Policy};

use super::{
    attached::{USAGES, one_of},
    exists,
    inline::NAME_CHARS_MAX,
    malformed, need,
    page::page,
    roles::encoded,
    tags,
    users::{check_name, path},
    wording::{conflict, gone, limit},
};
use crate::{
    Identity,
    aws_managed::{self, AwsManaged},
    credentials,
    entity::{ManagedPolicy, Version},
    registry::{Change, State},
    role,
};

/// The prefix of policies' unique ids.
const POLICY_ID: &str = "ANPA";
/// The longest document in characters without blanks, versions of one policy, policies of an
/// account, as on AWS.
const DOCUMENT_CHARS_MAX: usize = 6_144;
const VERSIONS_MAX: usize = 5;
const POLICIES_MAX: usize = 1_500;

impl Identity {
    pub(super) async fn create_policy(&self, request: &Request) -> Result<Tree, Fault> {
        let name = need(request, "PolicyName")?;
        check_name("policyName", name, NAME_CHARS_MAX)?;
        let (path, tags, document) = (path(request)?, tags::given(request)?, document(request)?);
        let _turn = self.registry.turn.lock().await;
        let now = self.clock.now();
        let policy = {
            let state = self.registry.read();
            if state.policies.keys().any(|other| other.eq_ignore_ascii_case(name)) {
                return Err(exists(format!(
                    "A policy called {name} already exists. Duplicate names are not allowed."
                )));
            }
            if state.policies.len() >= POLICIES_MAX {
                return Err(limit(format!(
                    "Cannot exceed quota for PoliciesPerAccount: {POLICIES_MAX}"
                )));
            }
            ManagedPolicy {
                id: credentials::unique_id(POLICY_ID, &*self.chance),
                name: name.to_owned(),
                path: path.to_owned(),
                description: request.input.text("Description").map(str::to_owned),
                created: now,
                updated: now,
                versions: BTreeMap::from([(1, Version { document, created: now })]),
                default: 1,
                next: 2,
                tags,
            }
        };
        let shown = self.policy_tree(&policy, &self.registry.read());
        self.keep(Change::Policy(policy)).await?;
        Ok(Tree::map([("Policy", shown)]))
    }

    pub(super) fn get_policy(&self, request: &Request) -> Result<Tree, Fault> {
        let arn = need(request, "PolicyArn")?;
        let state = self.registry.read();
        let shown = match aws_managed::find(arn) {
            Some(policy) => self.aws_tree(policy, &state),
            None => self.policy_tree(self.policy(&state, arn)?, &state),
        };
        Ok(Tree::map([("Policy", shown)]))
    }

    pub(super) fn list_policies(&self, request: &Request) -> Result<Tree, Fault> {
        let input = &request.input;
        let (ours, aws) = match input.text("Scope").unwrap_or("All") {
            "All" => (true, true),
            "AWS" => (false, true),
            "Local" => (true, false),
            other => return Err(super::invalid(format!("Scope `{other}` is not known."))),
        };
        let prefix = input.text("PathPrefix").unwrap_or("/");
        let only_attached = input.bool("OnlyAttached").unwrap_or(false);
        let usage = one_of(input.text("PolicyUsageFilter"), "policyUsageFilter", &USAGES)?;
        let state = self.registry.read();
        let of_ours =
            state.policies.values().filter(|policy| ours && policy.path.starts_with(prefix));
        let of_ours = of_ours.map(|p| (p.arn(&self.account), self.policy_tree(p, &state)));
        let of_aws = aws_managed::ALL.iter().filter(|p| aws && p.path.starts_with(prefix));
        let of_aws = of_aws.map(|policy| (policy.arn(), self.aws_tree(policy, &state)));
        let mut all: Vec<_> = of_ours
            .chain(of_aws)
            .filter(|(arn, _)| !only_attached || attachments(arn, &state) > 0)
            .filter(|(arn, _)| match usage {
                Some("PermissionsPolicy") => attachments(arn, &state) > 0,
                Some(_) => boundaries(arn, &state) > 0,
                None => true,
            })
            .collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(page(request, "Policies", all))
    }

    pub(super) async fn delete_policy(&self, request: &Request) -> Result<Tree, Fault> {
        let arn = need(request, "PolicyArn")?;
        let _turn = self.registry.turn.lock().await;
        let name = {
            let state = self.registry.read();
            let policy = self.policy(&state, arn)?;
            if attachments(arn, &state) + boundaries(arn, &state) > 0 {
                return Err(conflict("Cannot delete a policy attached to entities."));
            }
            if policy.versions.len() > 1 {
                return Err(conflict(
                    "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
                ));
            }
            policy.name.clone()
        };
        self.keep(Change::NoPolicy(name)).await?;
        Ok(Tree::Null)
    }

    pub(super) async fn create_policy_version(&self, request: &Request) -> Result<Tree, Fault> {
        let document = document(request)?;
        let now = self.clock.now();
        let as_default = request.input.bool("SetAsDefault").unwrap_or(false);
        let policy = self
            .edit_policy(request, |policy| {
                if policy.versions.len() >= VERSIONS_MAX {
                    return Err(limit(format!(
                        "A managed policy can have up to {VERSIONS_MAX} versions. Before you create a new version, you must delete an existing version."
                    )));
                }
                let number = policy.next;
                policy.next += 1;
                policy.versions.insert(number, Version { document, created: now });
                if as_default {
                    policy.default = number;
                }
                policy.updated = now;
                Ok(())
            })
            .await?;
        let newest = policy.versions.iter().next_back();
        let shown = newest.map(|(number, version)| version_tree(&policy, *number, version, false));
        Ok(Tree::map([("PolicyVersion", Tree::from(shown))]))
    }

    pub(super) fn get_policy_version(&self, request: &Request) -> Result<Tree, Fault> {
        let (arn, id) = (need(request, "PolicyArn")?, need(request, "VersionId")?);
        if let Some(policy) = aws_managed::find(arn).filter(|_| id == "v1") {
            let members = [
                ("Document", encoded(policy.document)),
                ("VersionId", Tree::from("v1")),
                ("IsDefaultVersion", Tree::Bool(true)),
            ];
            return Ok(Tree::map([("PolicyVersion", Tree::map(members))]));
        }
        let state = self.registry.read();
        let policy = self.policy(&state, arn)?;
        let number = number(policy, arn, id)?;
        let version = policy.versions.get(&number).ok_or_else(|| no_version(arn, id))?;
        Ok(Tree::map([("PolicyVersion", version_tree(policy, number, version, true))]))
    }

    pub(super) fn list_policy_versions(&self, request: &Request) -> Result<Tree, Fault> {
        let arn = need(request, "PolicyArn")?;
        if aws_managed::find(arn).is_some() {
            let only = [("VersionId", Tree::from("v1")), ("IsDefaultVersion", Tree::Bool(true))];
            return Ok(page(request, "Versions", vec![("v1".to_owned(), Tree::map(only))]));
        }
        let state = self.registry.read();
        let policy = self.policy(&state, arn)?;
        // The newest first; there are too few for a second page.
        let versions = policy.versions.iter().rev();
        let versions = versions.map(|(n, v)| (format!("v{n}"), version_tree(policy, *n, v, false)));
        Ok(page(request, "Versions", versions.collect()))
    }

    pub(super) async fn set_default_version(&self, request: &Request) -> Result<Tree, Fault> {
        let (arn, id) = (need(request, "PolicyArn")?, need(request, "VersionId")?);
        let now = self.clock.now();
        self.edit_policy(request, |policy| {
            policy.default = number(policy, arn, id)?;
            policy.updated = now;
            Ok(())
        })
        .await?;
        Ok(Tree::Null)
    }

    pub(super) async fn delete_policy_version(&self, request: &Request) -> Result<Tree, Fault> {
        let (arn, id) = (need(request, "PolicyArn")?, need(request, "VersionId")?);
        self.edit_policy(request, |policy| {
            let number = number(policy, arn, id)?;
            if number == policy.default {
                return Err(conflict("Cannot delete the default version of a policy."));
            }
            policy.versions.remove(&number);
            Ok(())
        })
        .await?;
        Ok(Tree::Null)
    }

    pub(super) async fn tag_policy(&self, request: &Request) -> Result<Tree, Fault> {
        let more = tags::given(request)?;
        self.edit_policy(request, |policy| {
            policy.tags.extend(more);
            tags::check(&policy.tags)
        })
        .await?;
        Ok(Tree::Null)
    }

    pub(super) async fn untag_policy(&self, request: &Request) -> Result<Tree, Fault> {
        let keys = tags::keys(request)?;
        self.edit_policy(request, |policy| {
            policy.tags.retain(|key, _| !keys.contains(key));
            Ok(())
        })
        .await?;
        Ok(Tree::Null)
    }

    pub(super) fn list_policy_tags(&self, request: &Request) -> Result<Tree, Fault> {
        let arn = need(request, "PolicyArn")?;
        let state = self.registry.read();
        let tags = match aws_managed::find(arn) {
            Some(_) => Vec::new(),
            None => tags::listed(&self.policy(&state, arn)?.tags),
        };
        Ok(page(request, "Tags", tags))
    }

    fn policy<'s>(&self, state: &'s State, arn: &str) -> Result<&'s ManagedPolicy, Fault> {
        let found = state.managed(arn, &self.account).map(AsRef::as_ref);
        found.ok_or_else(|| gone(format!("Policy {arn} was not found.")))
    }

    async fn edit_policy(
        &self,
        request: &Request,
        how: impl FnOnce(&mut ManagedPolicy) -> Result<(), Fault> + Send,
    ) -> Result<ManagedPolicy, Fault> {
        let arn = need(request, "PolicyArn")?;
        let _turn = self.registry.turn.lock().await;
        let policy = {
            let state = self.registry.read();
            let mut policy = self.policy(&state, arn)?.clone();
            how(&mut policy)?;
            policy
        };
        self.keep(Change::Policy(policy.clone())).await?;
        Ok(policy)
    }

    fn policy_tree(&self, policy: &ManagedPolicy, state: &State) -> Tree {
        let arn = policy.arn(&self.account);
        let mut members = common(&policy.name, &policy.id, &arn, &policy.path, state);
        members.extend([
            ("DefaultVersionId", Tree::from(format!("v{}", policy.default))),
            ("Description", Tree::from(policy.description.clone())),
            ("CreateDate", Tree::from(policy.created)),
            ("UpdateDate", Tree::from(policy.updated)),
        ]);
        members.extend(tags::shown(&policy.tags));
        Tree::map(members)
    }

    fn aws_tree(&self, policy: &AwsManaged, state: &State) -> Tree {
        let arn = policy.arn();
        let id = role::derived_id(POLICY_ID, &arn);
        let mut members = common(policy.name, &id, &arn, policy.path, state);
        members.push(("DefaultVersionId", Tree::from("v1")));
        Tree::map(members)
    }
}

fn common(name: &str, id: &str, arn: &str, path: &str, state: &State) -> Vec<(&'static str, Tree)> {
    let count = |n: usize| Tree::Int(i64::try_from(n).unwrap_or(i64::MAX));
    vec![
        ("PolicyName", Tree::from(name)),
        ("PolicyId", Tree::from(id)),
        ("Arn", Tree::from(arn)),
        ("Path", Tree::from(path)),
        ("AttachmentCount", count(attachments(arn, state))),
        ("PermissionsBoundaryUsageCount", count(boundaries(arn, state))),
        ("IsAttachable", Tree::Bool(true)),
    ]
}

/// On how many users, groups and roles a policy hangs.
fn attachments(arn: &str, state: &State) -> usize {
    entities(state).filter(|entity| entity.attached.iter().any(|other| other == arn)).count()
}

/// How many users and roles a policy bounds; groups have no bounds.
fn boundaries(arn: &str, state: &State) -> usize {
    entities(state).filter(|entity| entity.boundary.as_deref() == Some(arn)).count()
}

fn entities(state: &State) -> impl Iterator<Item = &crate::entity::Entity> {
    let users = state.users.values().map(|user| &user.entity);
    let groups = state.groups.values().map(|group| &group.entity);
    users.chain(groups).chain(state.roles.values().map(|role| &role.entity))
}

fn document(request: &Request) -> Result<String, Fault> {
    let document = need(request, "PolicyDocument")?;
    if document.chars().filter(|c| !c.is_whitespace()).count() > DOCUMENT_CHARS_MAX {
        return Err(limit(format!("Cannot exceed quota for PolicySize: {DOCUMENT_CHARS_MAX}")));
    }
    Policy::parse(document, Kind::Identity).map_err(|why| malformed(&why))?;
    Ok(document.to_owned())
}

/// The number of a version that there is.
fn number(policy: &ManagedPolicy, arn: &str, id: &str) -> Result<u32, Fault> {
    let number = id.strip_prefix('v').and_then(|number| number.parse().ok());
    number.filter(|n| policy.versions.contains_key(n)).ok_or_else(|| no_version(arn, id))
}

fn no_version(arn: &str, id: &str) -> Fault {
    gone(format!("Policy {arn} version {id} does not exist or is not attachable."))
}

fn version_tree(policy: &ManagedPolicy, number: u32, version: &Version, whole: bool) -> Tree {
    let mut members = vec![
        ("VersionId", Tree::from(format!("v{number}"))),
        ("IsDefaultVersion", Tree::Bool(number == policy.default)),
        ("CreateDate", Tree::from(version.created)),
    ];
    if whole {
        members.push(("Document", encoded(&version.document)));
    }
    Tree::map(members)
}
