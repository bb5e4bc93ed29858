//! Functions made, changed and taken away.

use std::sync::Arc;

use flow::{Access, Decision, Fault, Request, Tree, Who};

use super::{
    broken, conflict, fault, invalid,
    name::Named,
    parameter::{Given, architecture, check_revision},
    required,
    settings::tags,
    upload::digest,
    validation,
};
use crate::{
    Functions,
    code::Code,
    kept::{Deployment, Row},
    runtime::{Architecture, Runtime},
    version::LATEST,
};

/// What Lambda takes where nothing is said: seconds, and mebibytes of memory and of scratch space.
const DEFAULTS: (u16, u16, u16) = (3, 128, 512);

impl Functions {
    pub(super) async fn create_function(&self, request: &Request) -> Result<Tree, Fault> {
        let input = &request.input;
        let named = self.named(required(input, "FunctionName")?, None)?;
        if !named.is_latest() || !named.is_here {
            return Err(invalid(format!("{} is not of this account and region.", named.arn())));
        }
        let given = Given::read(input)?;
        let missing = "Runtime and Handler are mandatory parameters for functions created with \
                       deployment packages.";
        let (Some(runtime), Some(handler)) = (given.runtime.clone(), given.handler.clone()) else {
            return Err(invalid(missing));
        };
        let role = required(input, "Role")?.to_owned();
        let architecture = architecture(input)?.or(Architecture::OWN).unwrap_or(Architecture::X86);
        let tags = tags(input)?;
        let code = input.get("Code").ok_or_else(|| {
            validation("Value null at 'code' failed to satisfy constraint: Member must not be null")
        })?;
        self.check_role(request, &role)?;
        if let Some(Some(target)) = &given.dead_letters {
            self.check_dead_letters(target, &role)?;
        }
        self.check_runtime(&runtime).await?;
        let zip = self.zip(code, &request.caller).await?;
        let _changing = self.0.changing.lock().await;
        if self.row(&named.name).is_some() {
            return Err(conflict(format!("Function already exist: {}", named.name)));
        }
        let (stored, code) = self.unpacked(zip, &runtime).await?;
        let (timeout_seconds, memory_mib, scratch_mib) = DEFAULTS;
        let mut deployment = Deployment {
            runtime: runtime.name().to_owned(),
            handler,
            role,
            description: String::new(),
            timeout_seconds,
            memory_mib,
            scratch_mib,
            architecture,
            variables: None,
            code: stored,
            dead_letters: None,
        };
        given.change(&mut deployment);
        let born = self.0.host.chance.uuid();
        let row = Row { deployment: Some(deployment), tags, born, ..Row::default() };
        let told = self.deploy(&named.name, row, Arc::new(code)).await?;
        if input.bool("Publish") != Some(true) {
            return Ok(told);
        }
        let number = self.publish(&named, None).await?;
        // As Lambda: its version, and yet the ARN without it.
        self.published(&named, number, self.arn_of(&named.name))
    }

    pub(super) async fn update_code(&self, request: &Request) -> Result<Tree, Fault> {
        let input = &request.input;
        let publish = input.bool("Publish") == Some(true);
        let architecture = architecture(input)?;
        let (_, row) = self.known(input)?;
        check_revision(input, &row.revision)?;
        self.check_is_users(&row, input)?;
        let zip = self.zip(input, &request.caller).await?;
        let _changing = self.0.changing.lock().await;
        let (named, mut row) = self.known(input)?;
        check_revision(input, &row.revision)?;
        let Some(made) = &mut row.deployment else { return Err(shipped(&named)) };
        let runtime = offered(&made.runtime)?;
        if input.bool("DryRun") == Some(true) {
            made.code.sha256 = digest(&zip);
            made.code.bytes = u64::try_from(zip.len()).unwrap_or(u64::MAX);
            return Ok(self.configuration(&named.name, &row));
        }
        let (stored, code) = self.unpacked(zip, &runtime).await?;
        made.code = stored;
        made.architecture = architecture.unwrap_or(made.architecture);
        let told = self.deploy(&named.name, row, Arc::new(code)).await?;
        if !publish {
            return Ok(told);
        }
        let number = self.publish(&named, None).await?;
        self.published(&named, number, format!("{}:{number}", self.arn_of(&named.name)))
    }

    pub(super) async fn update_configuration(&self, request: &Request) -> Result<Tree, Fault> {
        let input = &request.input;
        let given = Given::read(input)?;
        if let Some(role) = &given.role {
            self.check_role(request, role)?;
        }
        if let Some(runtime) = &given.runtime {
            self.check_runtime(runtime).await?;
        }
        let _changing = self.0.changing.lock().await;
        let (named, mut row) = self.known(input)?;
        check_revision(input, &row.revision)?;
        let Some(made) = &mut row.deployment else { return Err(shipped(&named)) };
        let moved = given.role.is_some() || given.dead_letters.is_some();
        given.change(made);
        self.check_sources(&self.arn_of(&named.name), i64::from(made.timeout_seconds))?;
        if let Some(target) = made.dead_letters.as_ref().filter(|_| moved) {
            self.check_dead_letters(target, &made.role)?;
        }
        let hosted = self.hosted(&self.arn_of(&named.name));
        let code = hosted.as_ref().and_then(|hosted| hosted.deployed.as_ref());
        let code = code.map(|deployed| Arc::clone(&deployed.code));
        let code = code.unwrap_or_else(|| Arc::new(self.0.shelf.take(&made.code)));
        self.deploy(&named.name, row, code).await
    }

    pub(super) async fn delete_function(&self, input: &Tree) -> Result<Tree, Fault> {
        let named = self.named(required(input, "FunctionName")?, input.text("Qualifier"))?;
        if named.qualifier.is_some() {
            return self.delete_version(input).await;
        }
        let _changing = self.0.changing.lock().await;
        let (named, row) = self.known(input)?;
        self.check_is_users(&row, input)?;
        self.forget(&named.name).await.map_err(|error| broken(&error))?;
        Ok(Tree::map([("StatusCode", Tree::Int(204))]))
    }

    /// Stores a changed row, runs it from now on, and answers what it is.
    async fn deploy(&self, name: &str, mut row: Row, code: Arc<Code>) -> Result<Tree, Fault> {
        row.revision = self.0.host.chance.uuid();
        row.modified = self.0.host.clock.now();
        row.changed = true;
        let deployment = row.deployment.clone();
        if let Err(error) = self.put_row(name, row).await {
            // What runs now is not to lose its files: only code that came with this call goes.
            let runs = self.hosted(&self.arn_of(name)).and_then(|hosted| {
                hosted.deployed.as_ref().map(|deployed| Arc::clone(&deployed.code))
            });
            if !runs.is_some_and(|runs| Arc::ptr_eq(&runs, &code)) {
                code.replace();
            }
            return Err(broken(&error));
        }
        if let Some(deployment) = &deployment {
            self.host_deployment(name, LATEST, deployment, code).map_err(|error| broken(&error))?;
        }
        self.changed(name)
    }

    /// Whether the caller may give the function this role, and Lambda may take it on.
    fn check_role(&self, request: &Request, role: &str) -> Result<(), Fault> {
        if role.split(':').nth(4) != Some(self.0.host.config.account.as_str()) {
            let message = "Cross-account pass role is not allowed.";
            return Err(fault("AccessDeniedException", message).with_status(403));
        }
        let pass =
            Access::new("iam:PassRole", role).with("iam:PassedToService", "lambda.amazonaws.com");
        let caller = Who::Caller(&request.caller);
        if let Decision::Denied(why) = self.0.authorize.decide(caller, &pass) {
            return Err(fault("AccessDeniedException", why).with_status(403));
        }
        let assume = Access::new("sts:AssumeRole", role);
        let lambda = Who::Service("lambda.amazonaws.com");
        if self.0.authorize.decide(lambda, &assume).is_allowed() {
            return Ok(());
        }
        Err(invalid("The role defined for the function cannot be assumed by Lambda."))
    }

    /// Whether this machine has what the runtime needs.
    async fn check_runtime(&self, runtime: &Runtime) -> Result<(), Fault> {
        let Some(language) = runtime.language else { return Ok(()) };
        let found = self.0.host.interpreters.of(language).await;
        found.map(drop).map_err(|why| invalid(format!("Runtime {}: {why}.", runtime.name())))
    }

    fn check_is_users(&self, row: &Row, input: &Tree) -> Result<(), Fault> {
        match row.deployment {
            Some(_) => Ok(()),
            None => Err(shipped(&self.known(input)?.0)),
        }
    }
}

fn offered(runtime: &str) -> Result<Runtime, Fault> {
    let gone = || invalid(format!("Runtime {runtime} is not offered any more by this server."));
    Runtime::of(runtime).ok_or_else(gone)
}

pub(super) fn shipped(named: &Named) -> Fault {
    invalid(format!(
        "The function {} is shipped with this server, which is its code: deploy a function of your \
         own under another name.",
        named.name
    ))
}
