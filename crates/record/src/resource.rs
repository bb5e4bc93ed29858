//! `resources`: what a call touched, as given by the service that served it or read off the call.

use flow::{AccountId, Call, Resource};
use model::{Service, facts};
use serde_json::{Map, Value};

use crate::cap;

/// Something that a record lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) account: Option<AccountId>,
    pub(crate) kind: String,
    pub(crate) arn: String,
    /// All that begins with the ARN (`ARNPrefix`), as of a listing.
    pub(crate) is_prefix: bool,
}

impl Listed {
    pub(crate) fn whole(account: Option<&AccountId>, kind: &str, arn: String) -> Self {
        Self { account: account.cloned(), kind: kind.to_owned(), arn, is_prefix: false }
    }
}

impl From<&Resource> for Listed {
    fn from(resource: &Resource) -> Self {
        Self::whole(resource.account_id.as_ref(), &resource.kind, resource.arn.clone())
    }
}

/// What the input of a call names, for the calls whose records list it though no service said so:
/// STS's role (seen) and what data events are selected by.
pub(crate) fn from_input(call: &Call, service: &Service) -> Vec<Listed> {
    let Some(input) = &call.input else { return Vec::new() };
    let account = &call.recipient;
    let (region, text) = (&call.region, |name: &str| input.text(name));
    let operation = call.operation.as_deref().unwrap_or_default();
    let is_data = facts::category(service, operation) == facts::Category::Data;
    let arn = match service.name.as_str() {
        "sts" => text("RoleArn").map(str::to_owned),
        "lambda" if is_data => text("FunctionName").map(|name| match name.starts_with("arn:") {
            true => name.to_owned(),
            false => format!("arn:aws:lambda:{region}:{account}:function:{name}"),
        }),
        "sns" if is_data => text("TopicArn").or(text("TargetArn")).map(str::to_owned),
        "sqs" if is_data => text("QueueUrl").and_then(|url| {
            let (owner, name) = owner_and_name(url)?;
            Some(format!("arn:aws:sqs:{region}:{owner}:{name}"))
        }),
        "dynamodb" if is_data => text("TableName").map(|name| match name.starts_with("arn:") {
            true => name.to_owned(),
            false => format!("arn:aws:dynamodb:{region}:{account}:table/{name}"),
        }),
        "cloudtrail-data" => text("channelArn").map(str::to_owned),
        _ => None,
    };
    let listed = arn.and_then(|arn| {
        let kind = facts::resource_kind(&arn).or_else(|| facts::data_resource_kind(service))?;
        Some(Listed::whole(Some(&owner_of(&arn).unwrap_or_else(|| account.clone())), kind, arn))
    });
    listed.into_iter().collect()
}

/// The last two parts of `https://sqs.us-east-2.amazonaws.com/123456789012/name`.
fn owner_and_name(url: &str) -> Option<(&str, &str)> {
    let mut parts = url.rsplit('/');
    let name = parts.next()?;
    Some((parts.next()?, name))
}

fn owner_of(arn: &str) -> Option<AccountId> {
    arn.split(':').nth(4)?.parse().ok()
}

/// The list as JSON, as many as fit the limit.
pub(crate) fn to_json(listed: &[Listed]) -> Value {
    let mut left = cap::RESOURCES_BYTES_MAX;
    let mut list = Vec::new();
    for resource in listed {
        let mut json = Map::new();
        let mut put = |name: &str, text: &str| {
            json.insert(name.to_owned(), Value::from(text));
        };
        if let Some(account) = &resource.account {
            put("accountId", account.as_str());
        }
        put("type", &resource.kind);
        put(if resource.is_prefix { "ARNPrefix" } else { "ARN" }, &resource.arn);
        let size = cap::json_bytes(&json) + 1;
        if size > left {
            break;
        }
        left -= size;
        list.push(Value::Object(json));
    }
    Value::Array(list)
}
