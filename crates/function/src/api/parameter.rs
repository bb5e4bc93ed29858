//! A function's configuration as callers give it: each member read and bounded, and those refused
//! that this server could not keep to.

use std::collections::BTreeMap;

use flow::{Fault, Tree};

use super::{fault, invalid, validation};
use crate::{
    environment::RESERVED,
    kept::Deployment,
    runtime::{Architecture, Runtime},
};

const TIMEOUT_SECONDS: (u16, u16) = (1, 900);
const MEMORY_MIB: (u16, u16) = (128, 10_240);
const SCRATCH_MIB: (u16, u16) = (512, 10_240);
const DESCRIPTION_CHARS_MAX: usize = 256;
const HANDLER_CHARS_MAX: usize = 128;
/// All variables together, in bytes.
const VARIABLES_BYTES_MAX: usize = 4 * 1024;

/// What a call says of a function's configuration; `None` where it says nothing.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) runtime: Option<Runtime>,
    pub(super) handler: Option<String>,
    pub(super) role: Option<String>,
    description: Option<String>,
    timeout: Option<u16>,
    memory: Option<u16>,
    scratch: Option<u16>,
    /// The inner one is `None` where there is to be none.
    pub(super) dead_letters: Option<Option<String>>,
    /// The inner one is `None` where the variables are to go.
    variables: Option<Option<BTreeMap<String, String>>>,
}

impl Given {
    pub(super) fn read(input: &Tree) -> Result<Self, Fault> {
        refuse(input)?;
        let scratch = input.get("EphemeralStorage").unwrap_or(&Tree::Null);
        Ok(Self {
            runtime: input.text("Runtime").map(runtime).transpose()?,
            handler: input.text("Handler").map(handler).transpose()?,
            role: input.text("Role").map(role).transpose()?,
            description: input.text("Description").map(description).transpose()?,
            timeout: within(input, "Timeout", "timeout", TIMEOUT_SECONDS)?,
            memory: within(input, "MemorySize", "memorySize", MEMORY_MIB)?,
            scratch: within(scratch, "Size", "ephemeralStorage.size", SCRATCH_MIB)?,
            dead_letters: input.get("DeadLetterConfig").map(dead_letters),
            variables: input.get("Environment").map(variables).transpose()?,
        })
    }

    /// Changes what the call names.
    pub(super) fn change(self, made: &mut Deployment) {
        let Self { runtime, handler, role, description, timeout, memory, scratch, .. } = self;
        if let Some(runtime) = runtime {
            runtime.name().clone_into(&mut made.runtime);
        }
        for (given, kept) in [
            (handler, &mut made.handler),
            (role, &mut made.role),
            (description, &mut made.description),
        ] {
            if let Some(given) = given {
                *kept = given;
            }
        }
        for (given, kept) in [
            (timeout, &mut made.timeout_seconds),
            (memory, &mut made.memory_mib),
            (scratch, &mut made.scratch_mib),
        ] {
            if let Some(given) = given {
                *kept = given;
            }
        }
        if let Some(variables) = self.variables {
            made.variables = variables;
        }
        if let Some(dead_letters) = self.dead_letters {
            made.dead_letters = dead_letters;
        }
    }
}

/// What a caller wants done to a certain state of a function, and to no other.
pub(super) fn check_revision(input: &Tree, current: &str) -> Result<(), Fault> {
    match input.text("RevisionId") {
        Some(revision) if revision != current => {
            let message = "The Revision Id provided does not match the latest Revision Id. Call \
                           the GetFunction/GetAlias API to retrieve the latest Revision Id";
            Err(fault("PreconditionFailedException", message).with_status(412))
        }
        _ => Ok(()),
    }
}

/// The one architecture that this machine has.
pub(super) fn architecture(input: &Tree) -> Result<Option<Architecture>, Fault> {
    let given = match input.list("Architectures") {
        [] => return Ok(None),
        [one] => one.as_text().unwrap_or_default(),
        _ => return Err(invalid("Architectures: give one.")),
    };
    let known = Architecture::of(given).ok_or_else(|| {
        validation(&format!(
            "Value '[{given}]' at 'architectures' failed to satisfy constraint: Member must \
             satisfy enum value set: [x86_64, arm64]"
        ))
    })?;
    if let Some(own) = Architecture::OWN.filter(|own| *own != known) {
        return Err(invalid(format!(
            "Architectures {given}: this server runs on {own}; give [{own}], or nothing.",
            own = own.name()
        )));
    }
    Ok(Some(known))
}

/// Members that ask for what this server cannot do.
fn refuse(input: &Tree) -> Result<(), Fault> {
    let not = |member: &str, why: &str| Err(invalid(format!("{member}: {why} by this server.")));
    let inner = |member: &str, name: &str| input.get(member)?.text(name);
    let vpc = input.get("VpcConfig").unwrap_or(&Tree::Null);
    if ["SubnetIds", "SecurityGroupIds"].iter().any(|list| !vpc.list(list).is_empty()) {
        return not("VpcConfig", "networks of one's own are not offered");
    }
    for (member, name, plain) in [
        ("TracingConfig", "Mode", "PassThrough"),
        ("SnapStart", "ApplyOn", "None"),
        ("LoggingConfig", "LogFormat", "Text"),
    ] {
        if let Some(given) = inner(member, name).filter(|given| *given != plain) {
            return not(&format!("{member}.{name} {given}"), &format!("only {plain} is offered"));
        }
    }
    if let Some(kind) = input.text("PackageType").filter(|kind| *kind != "Zip") {
        return not(&format!("PackageType {kind}"), "only Zip is offered");
    }
    for list in ["Layers", "FileSystemConfigs"] {
        if !input.list(list).is_empty() {
            return not(list, "they are not offered");
        }
    }
    for member in [
        "KMSKeyArn",
        "ImageConfig",
        "CodeSigningConfigArn",
        "TenancyConfig",
        "CapacityProviderConfig",
        "DurableConfig",
        "RuntimeConfig",
        "AcceleratorConfig",
        "PublishTo",
    ] {
        let given = input.get(member);
        if given.is_some_and(|given| given.as_text() != Some("")) {
            return not(member, "it is not offered");
        }
    }
    Ok(())
}

fn runtime(given: &str) -> Result<Runtime, Fault> {
    Runtime::of(given).ok_or_else(|| {
        invalid(format!(
            "Value {given} at 'runtime' failed to satisfy constraint: Member must satisfy enum \
             value set: [python3.8 … python3.14, nodejs16.x … nodejs24.x, provided, provided.al2, \
             provided.al2023] on this server"
        ))
    })
}

fn handler(given: &str) -> Result<String, Fault> {
    if given.chars().count() > HANDLER_CHARS_MAX || given.chars().any(char::is_whitespace) {
        return Err(validation(&format!(
            "Value '{given}' at 'handler' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: [^\\s]+, and have length less than or equal to \
             {HANDLER_CHARS_MAX}"
        )));
    }
    Ok(given.to_owned())
}

fn role(given: &str) -> Result<String, Fault> {
    let is_role = |rest: &str| {
        let (account, name) = rest.split_once(":role/")?;
        let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let signs = b"_+=,.@-/";
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || signs.contains(&byte);
        (digits && !name.is_empty() && name.bytes().all(letters)).then_some(())
    };
    match given.strip_prefix("arn:aws:iam::").and_then(is_role) {
        Some(()) => Ok(given.to_owned()),
        None => Err(validation(&format!(
            "Value '{given}' at 'role' failed to satisfy constraint: Member must satisfy regular \
             expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{{12}}:role/?[a-zA-Z_0-9+=,.@\\-_/]+"
        ))),
    }
}

/// The target that is named; an empty one is none.
fn dead_letters(config: &Tree) -> Option<String> {
    config.text("TargetArn").filter(|arn| !arn.is_empty()).map(str::to_owned)
}

pub(super) fn description(given: &str) -> Result<String, Fault> {
    if given.chars().count() > DESCRIPTION_CHARS_MAX {
        return Err(validation(&format!(
            "Value at 'description' failed to satisfy constraint: Member must have length less \
             than or equal to {DESCRIPTION_CHARS_MAX}"
        )));
    }
    Ok(given.to_owned())
}

fn within(
    input: &Tree,
    member: &str,
    shown: &str,
    (least, most): (u16, u16),
) -> Result<Option<u16>, Fault> {
    let Some(given) = input.int(member) else { return Ok(None) };
    let bound = if given < i64::from(least) {
        format!("greater than or equal to {least}")
    } else if given > i64::from(most) {
        format!("less than or equal to {most}")
    } else {
        return Ok(u16::try_from(given).ok());
    };
    Err(validation(&format!(
        "Value '{given}' at '{shown}' failed to satisfy constraint: Member must have value {bound}"
    )))
}

fn variables(environment: &Tree) -> Result<Option<BTreeMap<String, String>>, Fault> {
    let Some(given) = environment.get("Variables") else { return Ok(None) };
    let pairs = given.members().iter();
    let variables: BTreeMap<String, String> = pairs
        .filter_map(|(name, value)| Some((name.clone(), value.as_text()?.to_owned())))
        .collect();
    let intro = "Lambda was unable to configure your environment variables because the environment \
                 variables you have provided";
    let reserved: Vec<&str> =
        variables.keys().map(String::as_str).filter(|name| RESERVED.contains(name)).collect();
    if !reserved.is_empty() {
        return Err(invalid(format!(
            "{intro} contains reserved keys that are currently not supported for modification. \
             Reserved keys used in this request: {}",
            reserved.join(", ")
        )));
    }
    for (name, value) in &variables {
        let mut bytes = name.bytes();
        let letter = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
        if !letter || name.len() < 2 || !bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(validation(&format!(
                "Value at 'environment.variables' failed to satisfy constraint: Map keys must \
                 satisfy constraint: [Member must satisfy regular expression pattern: \
                 [a-zA-Z]([a-zA-Z0-9_])+], which {name:?} does not"
            )));
        }
        if value.contains('\0') {
            return Err(invalid(format!("The variable {name} holds a null character.")));
        }
    }
    let measured: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
    if measured > VARIABLES_BYTES_MAX {
        return Err(invalid(format!("{intro} exceeded the 4KB limit. Measured: {measured} bytes")));
    }
    Ok((!variables.is_empty()).then_some(variables))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(input: Tree) -> String {
        let fault = Given::read(&input).unwrap_err();
        format!("{}: {}", fault.code, fault.message)
    }

    fn nested(member: &'static str, name: &'static str, value: Tree) -> Tree {
        Tree::map([(member, Tree::map([(name, value)]))])
    }

    #[test]
    fn what_cannot_be_kept_to_is_refused_by_its_name() {
        let list = || Tree::from(vec![Tree::from("x")]);
        for (input, name) in [
            (nested("VpcConfig", "SubnetIds", list()), "VpcConfig"),
            (nested("TracingConfig", "Mode", Tree::from("Active")), "TracingConfig.Mode Active"),
            (nested("SnapStart", "ApplyOn", Tree::from("PublishedVersions")), "SnapStart.ApplyOn"),
            (nested("LoggingConfig", "LogFormat", Tree::from("JSON")), "LoggingConfig.LogFormat"),
            (Tree::map([("Layers", list())]), "Layers"),
            (Tree::map([("FileSystemConfigs", list())]), "FileSystemConfigs"),
            (Tree::map([("KMSKeyArn", Tree::from("x"))]), "KMSKeyArn"),
            (Tree::map([("PackageType", Tree::from("Image"))]), "PackageType Image"),
        ] {
            let text = told(input);
            let head = format!("InvalidParameterValueException: {name}");
            assert!(text.starts_with(&head), "{text}");
        }
        let plain = Tree::map([
            ("VpcConfig", Tree::map([("SubnetIds", Tree::from(Vec::new()))])),
            ("TracingConfig", Tree::map([("Mode", Tree::from("PassThrough"))])),
            ("KMSKeyArn", Tree::from("")),
        ]);
        assert!(Given::read(&plain).is_ok());
    }

    #[test]
    fn values_out_of_their_bounds_are_refused_as_lambda_does() {
        let number = |member: &'static str, value: i64| Tree::map([(member, Tree::from(value))]);
        assert!(told(number("Timeout", 901)).ends_with(
            "Value '901' at 'timeout' failed to satisfy constraint: Member must have value less \
             than or equal to 900"
        ));
        assert!(told(number("MemorySize", 127)).contains("greater than or equal to 128"));
        assert!(told(Tree::map([("Role", Tree::from("r"))])).contains("at 'role'"));
        assert!(told(Tree::map([("Runtime", Tree::from("java21"))])).contains("java21"));
        let variable = |name: &'static str, value: &str| {
            nested("Environment", "Variables", Tree::map([(name, Tree::from(value))]))
        };
        assert!(told(variable("AWS_REGION", "x")).ends_with("in this request: AWS_REGION"));
        assert!(told(variable("1x", "x")).contains("\"1x\""));
        assert!(told(variable("XX", &"x".repeat(4_096))).contains("4KB limit"));
    }
}
