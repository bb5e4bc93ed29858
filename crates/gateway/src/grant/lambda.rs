//! What Lambda's calls ask for.

use flow::Access;

use super::Asked;

pub(super) fn access(asked: &Asked<'_>, operation: &str) -> Access {
    let action = if operation.starts_with("Invoke") { "InvokeFunction" } else { operation };
    let function = asked.text("FunctionName").map(|name| arn(asked, name));
    if operation.ends_with("EventSourceMapping") || operation == "ListEventSourceMappings" {
        let mapping = asked.text("UUID").map(|id| format!("event-source-mapping:{id}"));
        let resource = mapping.map_or("*".to_owned(), |mapping| asked.arn("lambda", &mapping));
        let access = Access::new(format!("lambda:{action}"), resource);
        return match function {
            Some(function) => access.with("lambda:FunctionArn", function),
            None => access,
        };
    }
    let resource = match (function, asked.text("Qualifier"), asked.text("Resource")) {
        // Whose ARN names a version or an alias already, names that one.
        (Some(function), Some(qualifier), _) if function.split(':').nth(7).is_none() => {
            format!("{function}:{qualifier}")
        }
        (Some(function), ..) => function,
        (None, _, Some(resource)) => resource.to_owned(),
        (None, _, None) => "*".to_owned(),
    };
    let access = Access::new(format!("lambda:{action}"), resource);
    match (operation, asked.text("Principal")) {
        ("AddPermission", Some(principal)) => access.with("lambda:Principal", principal),
        _ => access,
    }
}

/// The ARN of a function that is named as clients may: by name, by `account:function:name`, by ARN,
/// each with a qualifier or without.
fn arn(asked: &Asked<'_>, name: &str) -> String {
    if name.starts_with("arn:") {
        return name.to_owned();
    }
    let name = name.split_once(":function:").map_or(name, |(_, name)| name);
    asked.arn("lambda", &format!("function:{name}"))
}
