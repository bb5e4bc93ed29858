//! What IAM's calls ask for.
//!
//! A user's, role's or policy's ARN holds its path, which most calls do not name: whoever decides
//! knows it, as names are unique whatever their paths.

use flow::{Access, Principal};

use super::Asked;

pub(super) fn access(asked: &Asked<'_>, operation: &str) -> Access {
    let account = &asked.caller.caller.account;
    let arn = |kind: &str, name: &str| {
        let path = asked.text("Path").filter(|_| operation.starts_with("Create")).unwrap_or("/");
        format!("arn:aws:iam::{account}:{kind}{path}{name}")
    };
    let named = [
        ("RoleName", "role"),
        // Whom a group takes or lets go is named beside it.
        ("GroupName", "group"),
        ("UserName", "user"),
        ("InstanceProfileName", "instance-profile"),
        ("PolicyName", "policy"),
    ];
    let resource = match operation {
        "ListUsers" | "ListGroups" | "ListRoles" => {
            let kind = match operation {
                "ListUsers" => "user",
                "ListGroups" => "group",
                _ => "role",
            };
            let prefix = asked.text("PathPrefix").unwrap_or("/");
            format!("arn:aws:iam::{account}:{kind}{prefix}")
        }
        _ => named
            .iter()
            .find_map(|(member, kind)| Some(arn(kind, asked.text(member)?)))
            .or_else(|| asked.text("PolicyArn").map(str::to_owned))
            .or_else(|| own(asked, operation))
            .unwrap_or_else(|| "*".to_owned()),
    };
    let mut access = Access::new(format!("iam:{operation}"), resource);
    for (key, name) in
        [("iam:PolicyARN", "PolicyArn"), ("iam:PermissionsBoundary", "PermissionsBoundary")]
    {
        if let Some(value) = asked.text(name) {
            access = access.with(key, value);
        }
    }
    access
}

/// Who names no user means themselves.
fn own(asked: &Asked<'_>, operation: &str) -> Option<String> {
    let caller = &asked.caller.caller;
    let about_a_user = operation == "GetUser" || operation.contains("AccessKey");
    match caller.principal {
        Principal::User { .. } if about_a_user => caller.arn(),
        _ => None,
    }
}
