//! everybody → identity and the rooms' resources: what policies say to a call.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use flow::{Access, Authorize, Caller, Clock, Decision, Principal, ResourcePolicies, Who};
use identity::{Granted, Identity};
use policy::{Asker, Context, Kind, Policies, Policy};

/// How many resource policies are kept as they were read; beyond, all are read anew.
const READ_POLICIES_MAX: usize = 1024;

/// Decides by the policies of callers and of what they call for.
pub(crate) struct Authorization {
    identity: Arc<Identity>,
    clock: Arc<dyn Clock>,
    /// The rooms by their names in ARNs. They hold this too, hence [`Authorization::close`].
    rooms: RwLock<HashMap<&'static str, Arc<dyn ResourcePolicies>>>,
    /// Resource policies by their texts; `None` where one cannot be read.
    read: RwLock<HashMap<Arc<str>, Option<Arc<Policy>>>>,
}

impl Authorization {
    pub(crate) fn new(identity: Arc<Identity>, clock: Arc<dyn Clock>) -> Self {
        Self { identity, clock, rooms: RwLock::default(), read: RwLock::default() }
    }

    /// The policies of the resources whose ARNs begin with `arn:aws:` and `service` are that room's.
    pub(crate) fn add(&self, service: &'static str, room: Arc<dyn ResourcePolicies>) {
        self.rooms.write().unwrap_or_else(PoisonError::into_inner).insert(service, room);
    }

    /// Lets go of the rooms.
    pub(crate) fn close(&self) {
        self.rooms.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The policy on what is asked for; `Err` where there is one that cannot be read.
    fn on_resource(&self, arn: &str) -> Result<Option<Arc<Policy>>, ()> {
        let Some(service) = arn.split(':').nth(2) else { return Ok(None) };
        let room = {
            let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
            rooms.get(service).map(Arc::clone)
        };
        let Some(text) = room.and_then(|room| room.policy_of(arn)) else { return Ok(None) };
        let known = {
            let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
            read.get(&text).cloned()
        };
        let policy = known.unwrap_or_else(|| {
            let kind = if service == "sqs" { Kind::Queue } else { Kind::Resource };
            let policy = Policy::parse(&text, kind).ok().map(Arc::new);
            let mut read = self.read.write().unwrap_or_else(PoisonError::into_inner);
            if read.len() >= READ_POLICIES_MAX {
                read.clear();
            }
            read.insert(text, policy.clone());
            policy
        });
        policy.map(Some).ok_or(())
    }

    fn ask(
        &self,
        asker: &Asker<'_>,
        granted: &Granted,
        caller: Option<&Caller>,
        access: &Access,
    ) -> Decision {
        let Access { action, resource, .. } = access;
        let assumes = action.eq_ignore_ascii_case("sts:AssumeRole");
        let trust = if assumes { self.identity.trust_of(resource) } else { None };
        if assumes && trust.is_none() {
            // As for a role that one may not assume: whether it is there is not told.
            let who = asker.shown();
            return Decision::Denied(format!(
                "User: {who} is not authorized to perform: {action} on resource: {resource}"
            ));
        }
        let with_path = self.identity.with_path(resource);
        let resource = with_path.as_deref().unwrap_or(resource);
        let on_resource = match self.on_resource(resource) {
            Ok(policy) => policy,
            // Its owner must be able to replace it.
            Err(()) if matches!(asker, Asker::Root { .. }) => None,
            Err(()) => Some(Arc::new(Policy::deny_all())),
        };
        if on_resource.is_none() && trust.is_none() && matches!(asker, Asker::Root { .. }) {
            return Decision::Allowed;
        }
        let context = self.context(asker, caller, access);
        let policies = Policies {
            identity: &granted.identity,
            boundary: granted.boundary.as_deref(),
            session: granted.session.as_deref(),
            resource: on_resource.as_deref(),
            trust: trust.as_deref(),
        };
        let owner = resource.split(':').nth(4).filter(|account| !account.is_empty());
        policy::decide(asker, action, resource, owner, &context, &policies)
            .decision(asker, action, resource)
    }

    /// What the caller says by being who it is, and the time.
    fn context<'a>(
        &self,
        asker: &Asker<'a>,
        caller: Option<&'a Caller>,
        access: &'a Access,
    ) -> Context<'a> {
        let given = access.context.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let mut context = Context::new(given);
        let now = self.clock.now();
        context.add("aws:CurrentTime", now.to_seconds_text());
        context.add("aws:EpochTime", now.as_secs().to_string());
        context.add("aws:ViaAWSService", "false");
        let (arn, kind) = match *asker {
            Asker::Root { account } => (format!("arn:aws:iam::{account}:root"), "Account"),
            Asker::User { arn, .. } => (arn.to_owned(), "User"),
            // As AWS: the role's own ARN, not the session's.
            Asker::Session { role_arn, .. } => (role_arn.to_owned(), "AssumedRole"),
            Asker::Role { arn, .. } => (arn.to_owned(), "AssumedRole"),
            Asker::Anonymous => {
                context.add("aws:PrincipalIsAWSService", "false");
                context.add("aws:PrincipalType", "Anonymous");
                return context;
            }
            Asker::Service(name) => {
                context.add("aws:PrincipalIsAWSService", "true");
                context.add("aws:PrincipalServiceName", name);
                return context;
            }
        };
        context.add("aws:PrincipalIsAWSService", "false");
        context.add("aws:PrincipalArn", arn);
        context.add("aws:PrincipalType", kind);
        if let Some(account) = asker.account() {
            context.add("aws:PrincipalAccount", account);
        }
        let Some(caller) = caller else { return context };
        context.add("aws:userid", caller.principal_id());
        if let Principal::User { name, .. } = &caller.principal {
            context.add("aws:username", name.as_str());
        }
        if let Some(session) = &caller.session {
            context.add("aws:TokenIssueTime", session.created.to_seconds_text());
            context.add("aws:MultiFactorAuthPresent", session.mfa.to_string());
        }
        context
    }
}

impl Authorize for Authorization {
    fn decide(&self, who: Who<'_>, access: &Access) -> Decision {
        let caller = match who {
            Who::Service(name) => {
                return self.ask(&Asker::Service(name), &Granted::default(), None, access);
            }
            Who::Role(arn) => {
                let account = arn.split(':').nth(4).unwrap_or_default();
                let granted = self.identity.granted_to_role(arn);
                return self.ask(&Asker::Role { account, arn }, &granted, None, access);
            }
            Who::Caller(caller) => caller,
        };
        let account = caller.account.as_str();
        let arn = caller.arn().unwrap_or_default();
        let role_arn;
        let asker = match &caller.principal {
            Principal::Root => Asker::Root { account },
            Principal::User { .. } => Asker::User { account, arn: &arn },
            Principal::AssumedRole { path, role, .. } => {
                role_arn = format!("arn:aws:iam::{account}:role{path}{role}");
                Asker::Session { account, role_arn: &role_arn, arn: &arn }
            }
            Principal::Anonymous => Asker::Anonymous,
        };
        self.ask(&asker, &self.identity.granted(caller), Some(caller), access)
    }
}
