//! `userIdentity`: who called.

use flow::{Caller, Principal, Session};
use serde_json::{Map, Value, json};

/// The caller as a record names it.
pub(crate) fn of(caller: &Caller) -> Map<String, Value> {
    let mut identity = Map::new();
    let mut put = |name: &str, value: Value| {
        identity.insert(name.to_owned(), value);
    };
    put("type", Value::from(kind(&caller.principal)));
    put("principalId", Value::from(caller.principal_id()));
    let Some(arn) = caller.arn() else {
        put("accountId", Value::from("anonymous"));
        return identity;
    };
    put("arn", Value::from(arn));
    put("accountId", Value::from(caller.account.as_str()));
    put("accessKeyId", Value::from(caller.access_key_id.as_str()));
    if let Principal::User { name, .. } = &caller.principal {
        put("userName", Value::from(name.as_str()));
    }
    if let Some(session) = &caller.session {
        put("sessionContext", session_context(caller, session));
    }
    identity
}

fn kind(principal: &Principal) -> &'static str {
    match principal {
        Principal::Root => "Root",
        Principal::User { .. } => "IAMUser",
        Principal::AssumedRole { .. } => "AssumedRole",
        Principal::Anonymous => "AWSAccount",
    }
}

fn session_context(caller: &Caller, session: &Session) -> Value {
    let mut context = Map::new();
    if let Principal::AssumedRole { role_id, path, role, .. } = &caller.principal {
        let account = caller.account.as_str();
        let issuer = json!({
            "type": "Role",
            "principalId": role_id,
            "arn": format!("arn:aws:iam::{account}:role{path}{role}"),
            "accountId": account,
            "userName": role,
        });
        context.insert("sessionIssuer".to_owned(), issuer);
    }
    let attributes = json!({
        "creationDate": session.created.to_seconds_text(),
        // A text in every record.
        "mfaAuthenticated": if session.mfa { "true" } else { "false" },
    });
    context.insert("attributes".to_owned(), attributes);
    Value::Object(context)
}
