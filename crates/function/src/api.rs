//! The operations of Lambda: a decoded call in, an answer out.
//!
//! What cannot be honoured is refused by name.

mod alias;
mod answer;
mod deploy;
mod destination;
mod download;
mod invoke;
mod listing;
mod name;
mod parameter;
mod permission;
mod settings;
mod source;
mod upload;
mod version;

use flow::{Answer, Fault, Pending, Request, Resource, Service, Tree};

pub(crate) use self::download::Downloads;
use self::name::Named;
use crate::{Functions, kept::Row};

impl Service for Functions {
    fn call(&self, request: Request) -> Pending<'_, Result<Answer, Fault>> {
        Box::pin(async move {
            let output = self.serve(&request).await?;
            Ok(Answer { output, resources: self.touched(&request) })
        })
    }
}

impl Functions {
    async fn serve(&self, request: &Request) -> Result<Tree, Fault> {
        let input = &request.input;
        match request.operation.as_str() {
            "CreateFunction" => self.create_function(request).await,
            "UpdateFunctionCode" => self.update_code(request).await,
            "UpdateFunctionConfiguration" => self.update_configuration(request).await,
            "DeleteFunction" => self.delete_function(input).await,
            "Invoke" => self.invoke_call(request).await,
            "GetFunction" => self.get_function(request),
            "GetFunctionConfiguration" => self.get_configuration(input),
            "ListFunctions" => self.list_functions(input),
            "ListVersionsByFunction" => self.list_versions(input),
            "GetAccountSettings" => Ok(self.account_settings()),
            "GetFunctionCodeSigningConfig" => {
                let (named, _) = self.known(input)?;
                Ok(Tree::map([("FunctionName", Tree::from(named.name))]))
            }
            "PublishVersion" => self.publish_version(input).await,
            "CreateAlias" => self.create_alias(input).await,
            "UpdateAlias" => self.update_alias(input).await,
            "DeleteAlias" => self.delete_alias(input).await,
            "GetAlias" => self.get_alias(input),
            "ListAliases" => self.list_aliases(input),
            "AddPermission" => self.add_permission(input).await,
            "RemovePermission" => self.remove_permission(input).await,
            "GetPolicy" => self.get_policy(input),
            "PutFunctionConcurrency" => self.put_concurrency(input).await,
            "GetFunctionConcurrency" => self.get_concurrency(input),
            "DeleteFunctionConcurrency" => self.delete_concurrency(input).await,
            "PutFunctionEventInvokeConfig" => self.put_events(input, true).await,
            "UpdateFunctionEventInvokeConfig" => self.put_events(input, false).await,
            "GetFunctionEventInvokeConfig" => self.get_events(input),
            "ListFunctionEventInvokeConfigs" => self.list_events(input),
            "DeleteFunctionEventInvokeConfig" => self.delete_events(input).await,
            "CreateEventSourceMapping" => self.create_mapping(input).await,
            "UpdateEventSourceMapping" => self.update_mapping(input).await,
            "DeleteEventSourceMapping" => self.delete_mapping(input).await,
            "GetEventSourceMapping" => self.get_mapping(input),
            "ListEventSourceMappings" => self.list_mappings(input),
            "ListTags" => self.list_tags(input),
            "TagResource" => self.tag(input).await,
            "UntagResource" => self.untag(input).await,
            other => Err(not_offered(other)),
        }
    }

    /// What the record of a call names.
    fn touched(&self, request: &Request) -> Vec<Resource> {
        let given = request.input.text("FunctionName").or_else(|| request.input.text("Resource"));
        let Some(Ok(named)) = given.map(|given| self.named(given, None)) else { return Vec::new() };
        vec![Resource {
            account_id: Some(self.0.host.config.account.clone()),
            kind: "AWS::Lambda::Function".to_owned(),
            arn: self.arn_of(&named.name),
        }]
    }

    /// The function that a call names, or the version or alias of it, and what is remembered of the
    /// function.
    fn qualified(&self, input: &Tree) -> Result<(Named, Row), Fault> {
        let named = self.named(required(input, "FunctionName")?, input.text("Qualifier"))?;
        let row = self.row(&named.name).filter(|_| named.is_here);
        let row = row.ok_or_else(|| not_found(&named.arn()))?;
        self.version_of(&named, &row)?;
        Ok((named, row))
    }

    /// The function that a call names as a whole, and what is remembered of it.
    fn known(&self, input: &Tree) -> Result<(Named, Row), Fault> {
        let named = self.named(required(input, "FunctionName")?, input.text("Qualifier"))?;
        let row = self.row(&named.name).filter(|_| named.is_latest() && named.is_here);
        match row {
            Some(row) => Ok((named, row)),
            None => Err(not_found(&named.arn())),
        }
    }
}

fn not_offered(operation: &str) -> Fault {
    let message = format!("{operation}: it is not offered by this server's Lambda.");
    Fault::new("UnknownOperationException", message).with_status(404)
}

fn required<'a>(input: &'a Tree, member: &str) -> Result<&'a str, Fault> {
    let mut lower = member.to_owned();
    lower.get_mut(..1).into_iter().for_each(str::make_ascii_lowercase);
    input.text(member).ok_or_else(|| {
        validation(&format!(
            "Value null at '{lower}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

fn fault(code: &str, message: impl Into<String>) -> Fault {
    let detail = Tree::map([("Type", Tree::from("User"))]);
    Fault { detail, ..Fault::new(code, message) }
}

fn not_found(arn: &str) -> Fault {
    fault("ResourceNotFoundException", format!("Function not found: {arn}")).with_status(404)
}

fn invalid(message: impl Into<String>) -> Fault {
    fault("InvalidParameterValueException", message)
}

fn conflict(message: impl Into<String>) -> Fault {
    fault("ResourceConflictException", message).with_status(409)
}

/// As AWS says that an input does not fit its model.
fn validation(what: &str) -> Fault {
    Fault::new("ValidationException", format!("1 validation error detected: {what}"))
}

/// Our own failure; the log has the cause.
fn broken(error: &crate::Error) -> Fault {
    tracing::error!(%error, "A call of Lambda failed: {error}");
    let detail = Tree::map([("Type", Tree::from("Service"))]);
    let message = "The service encountered an internal error.";
    Fault { detail, ..Fault::new("ServiceException", message).with_status(500) }
}
