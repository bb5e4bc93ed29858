//! A function as the API tells of it.

use flow::{Fault, Request, Timestamp, Tree};

use super::{broken, name::Named};
use crate::{
    Functions,
    instance::Hosted,
    kept::{Deployment, Row},
    runtime::Architecture,
    version::{LATEST, Version},
};

impl Functions {
    pub(super) fn get_configuration(&self, input: &Tree) -> Result<Tree, Fault> {
        let (named, row) = self.qualified(input)?;
        self.shown(&named, &row).map(|(tree, _)| tree)
    }

    pub(super) fn get_function(&self, request: &Request) -> Result<Tree, Fault> {
        let (named, row) = self.qualified(&request.input)?;
        let (configuration, deployment) = self.shown(&named, &row)?;
        let mut members = vec![("Configuration", configuration)];
        if let Some(made) = &deployment {
            let location = format!("{}{}", request.endpoint, self.location(&made.code));
            let code = [("RepositoryType", Tree::from("S3")), ("Location", Tree::from(location))];
            members.push(("Code", Tree::map(code)));
        }
        if !row.tags.is_empty() {
            members.push(("Tags", texts(row.tags.iter())));
        }
        if let Some(count) = row.reserved {
            let reserved =
                Tree::map([("ReservedConcurrentExecutions", Tree::from(i64::from(count)))]);
            members.push(("Concurrency", reserved));
        }
        Ok(Tree::map(members))
    }

    /// The configuration of what was named, under the ARN that names it so; and what is deployed.
    fn shown(&self, named: &Named, row: &Row) -> Result<(Tree, Option<Deployment>), Fault> {
        let version = self.version_of(named, row)?;
        let Some((number, version)) = version else {
            let tree = self.configuration_at(named.arn(), &named.name, row);
            return Ok((tree, row.deployment.clone()));
        };
        let tree = self.version_configuration(named.arn(), (&named.name, number), &version, row);
        Ok((tree, Some(version.deployment)))
    }

    /// The configuration of a published version.
    pub(super) fn version_configuration(
        &self,
        arn: String,
        (name, number): (&str, u64),
        version: &Version,
        row: &Row,
    ) -> Tree {
        let number = number.to_string();
        let mut members =
            vec![("FunctionName", Tree::from(name)), ("FunctionArn", Tree::from(arn))];
        members.extend(of_deployment(&version.deployment));
        let revision = row.revision_beside(&number).unwrap_or(&version.revision);
        members.extend(common(name, &number, revision, version.modified));
        Tree::map(members)
    }

    /// The configuration of a function, of ours or of a user's.
    pub(super) fn configuration(&self, name: &str, row: &Row) -> Tree {
        self.configuration_at(self.arn_of(name), name, row)
    }

    pub(super) fn configuration_at(&self, arn: String, name: &str, row: &Row) -> Tree {
        let hosted = self.hosted(&self.arn_of(name));
        let mut members =
            vec![("FunctionName", Tree::from(name)), ("FunctionArn", Tree::from(arn))];
        match (&row.deployment, hosted) {
            (Some(made), _) => members.extend(of_deployment(made)),
            (None, Some(hosted)) => members.extend(own(&hosted)),
            (None, None) => {}
        }
        members.extend(common(name, LATEST, &row.revision, row.modified));
        Tree::map(members)
    }

    /// What a call that changed a function answers.
    pub(super) fn changed(&self, name: &str) -> Result<Tree, Fault> {
        let gone = || broken(&crate::Error::Reject { name: name.to_owned(), why: "it is gone" });
        let row = self.row(name).ok_or_else(gone)?;
        Ok(self.configuration(name, &row))
    }
}

/// What a user deployed.
fn of_deployment(made: &Deployment) -> Vec<(&'static str, Tree)> {
    let mut members = vec![
        ("Runtime", Tree::from(made.runtime.as_str())),
        ("Role", Tree::from(made.role.as_str())),
        ("Handler", Tree::from(made.handler.as_str())),
        ("CodeSize", count(made.code.bytes)),
        ("Description", Tree::from(made.description.as_str())),
        ("Timeout", Tree::from(i64::from(made.timeout_seconds))),
        ("MemorySize", Tree::from(i64::from(made.memory_mib))),
        ("CodeSha256", Tree::from(made.code.sha256.as_str())),
        ("EphemeralStorage", size(i64::from(made.scratch_mib))),
        ("Architectures", vec![Tree::from(made.architecture.name())].into()),
    ];
    if let Some(target) = &made.dead_letters {
        let target = Tree::map([("TargetArn", Tree::from(target.as_str()))]);
        members.push(("DeadLetterConfig", target));
    }
    if let Some(variables) = &made.variables {
        let variables = texts(variables.iter());
        members.push(("Environment", Tree::map([("Variables", variables)])));
    }
    members
}

/// A function of ours: the server is its code.
fn own(hosted: &Hosted) -> Vec<(&'static str, Tree)> {
    let function = &hosted.function;
    let program = function.command.first().and_then(|program| std::fs::metadata(program).ok());
    let mebibytes = |bytes: u64| count(bytes / (1024 * 1024));
    let architecture = Architecture::OWN.map_or("x86_64", Architecture::name);
    vec![
        ("Runtime", Tree::from("provided.al2023")),
        ("Role", Tree::from(function.role.as_str())),
        ("Handler", Tree::from(hosted.handler())),
        ("CodeSize", count(program.map_or(0, |what| what.len()))),
        ("Description", Tree::from("Shipped with Trailhound.")),
        ("Timeout", Tree::from(function.resources.timeout_millis / 1_000)),
        ("MemorySize", mebibytes(function.resources.memory_bytes)),
        ("EphemeralStorage", Tree::map([("Size", mebibytes(function.resources.scratch_bytes))])),
        ("Architectures", vec![Tree::from(architecture)].into()),
    ]
}

/// What is the same of all functions.
fn common(
    name: &str,
    version: &str,
    revision: &str,
    modified: Timestamp,
) -> Vec<(&'static str, Tree)> {
    vec![
        ("LastModified", Tree::from(moment(modified))),
        ("Version", Tree::from(version)),
        ("TracingConfig", Tree::map([("Mode", Tree::from("PassThrough"))])),
        ("RevisionId", Tree::from(revision)),
        // Code is unpacked before its call is answered: nothing is pending ever.
        ("State", Tree::from("Active")),
        ("LastUpdateStatus", Tree::from("Successful")),
        ("PackageType", Tree::from("Zip")),
        (
            "SnapStart",
            Tree::map([("ApplyOn", Tree::from("None")), ("OptimizationStatus", Tree::from("Off"))]),
        ),
        (
            "LoggingConfig",
            Tree::map([
                ("LogFormat", Tree::from("Text")),
                ("LogGroup", Tree::from(format!("/aws/lambda/{name}"))),
            ]),
        ),
    ]
}

/// Lambda's own way to write a moment, which is text in its model.
fn moment(at: Timestamp) -> String {
    let text = at.to_millis_text();
    format!("{}+0000", text.strip_suffix('Z').unwrap_or(&text))
}

fn size(mebibytes: i64) -> Tree {
    Tree::map([("Size", Tree::from(mebibytes))])
}

pub(super) fn count(bytes: u64) -> Tree {
    Tree::from(i64::try_from(bytes).unwrap_or(i64::MAX))
}

pub(super) fn texts<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> Tree {
    Tree::map(pairs.map(|(name, value)| (name.clone(), Tree::from(value.as_str()))))
}
