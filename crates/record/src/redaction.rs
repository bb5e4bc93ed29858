//! What AWS leaves out of records beyond the members that its models call sensitive.
//!
//! Marks of evidence as in the model's facts: *seen* in published captures, *documented* by the
//! service, *known* from wide report. Where there is doubt, a value stays out.

/// What stands in place of a value that must not be shown.
pub(crate) const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// What a record says of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redaction {
    /// Not even its name.
    Drop,
    /// Its name, and [`HIDDEN`].
    Hide,
}

use Redaction::{Drop, Hide};

const REDACTIONS: &[(&str, &str, Redaction)] = &[
    // Seen: login profiles carry no password, access keys no secret.
    ("iam", "NewPassword", Drop),
    ("iam", "OldPassword", Drop),
    ("iam", "Password", Drop),
    ("iam", "SecretAccessKey", Drop),
    ("sts", "SecretAccessKey", Drop),
    // Seen: `"environment": {}`.
    ("lambda", "Variables", Drop),
    // Documented: the function's code and what it is called with.
    ("lambda", "ClientContext", Drop),
    ("lambda", "Payload", Drop),
    ("lambda", "ZipFile", Drop),
    // Seen: neither the secret nor its binary form.
    ("secretsmanager", "SecretBinary", Drop),
    ("secretsmanager", "SecretString", Drop),
    // Documented: SNS's data events.
    ("sns", "Message", Hide),
    ("sns", "MessageAttributes", Hide),
    ("sns", "Subject", Hide),
    // A token confirms a subscription, and a subscriber's URL may hold a password.
    ("sns", "Endpoint", Hide),
    ("sns", "Token", Hide),
    // Documented: SQS's data events.
    ("sqs", "MessageAttributes", Hide),
    ("sqs", "MessageBody", Hide),
    ("sqs", "MessageSystemAttributes", Hide),
    // Documented: DynamoDB's data events name the table and the key, no other attribute.
    ("dynamodb", "AttributeUpdates", Drop),
    ("dynamodb", "Expected", Drop),
    ("dynamodb", "ExpressionAttributeValues", Drop),
    ("dynamodb", "Item", Drop),
    ("dynamodb", "KeyConditions", Drop),
    ("dynamodb", "Parameters", Drop),
    ("dynamodb", "QueryFilter", Drop),
    ("dynamodb", "RequestItems", Drop),
    ("dynamodb", "ScanFilter", Drop),
    ("dynamodb", "Statement", Drop),
    ("dynamodb", "Statements", Drop),
    ("dynamodb", "TransactItems", Drop),
    ("dynamodb", "TransactStatements", Drop),
    // Seen as `<sensitiveDataRemoved>`.
    ("ec2", "UserData", Hide),
    // Known.
    ("cloudformation", "ParameterValue", Hide),
    ("cloudformation", "TemplateBody", Drop),
    ("ssm", "Parameters", Hide),
];

/// Endings of names whose texts are secrets wherever they stand: some eighty such members carry no
/// `sensitive` trait in the models.
const SECRET_ENDINGS: &[&str] = &[
    "accesstoken",
    "authtoken",
    "oauthtoken",
    "passphrase",
    "password",
    // An attribute of SNS's platform applications.
    "platformcredential",
    "privatekey",
    "refreshtoken",
    "secret",
    "secretaccesskey",
    "secretkey",
    "sharedsecret",
    "webidentitytoken",
];

/// How a record treats the member `name` of a service; `None`: shown, unless the model says
/// otherwise.
pub(crate) fn of(service: &str, name: &str, is_text: bool) -> Option<Redaction> {
    if let Some((_, _, redaction)) =
        REDACTIONS.iter().find(|(known, member, _)| *known == service && *member == name)
    {
        return Some(*redaction);
    }
    let lower = name.to_ascii_lowercase();
    // STS's answers keep it, by AWS's own habit; nobody else's does.
    let session_token = lower.ends_with("sessiontoken") && service != "sts";
    let secret = SECRET_ENDINGS.iter().any(|ending| lower.ends_with(ending));
    (is_text && (secret || session_token)).then_some(Hide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_redaction_names_a_member_of_the_model() {
        for (service, member, _) in REDACTIONS {
            let model = model::service(service).unwrap();
            let known = model.shapes.iter().any(|shape| match &shape.kind {
                model::Kind::Structure(structure) => {
                    structure.members.iter().any(|known| known.name == *member)
                }
                _ => false,
            });
            assert!(known, "{service} {member}");
        }
    }

    #[test]
    fn a_name_that_ends_like_a_secret_is_hidden_where_it_is_text() {
        assert_eq!(of("docdb", "MasterUserPassword", true), Some(Hide));
        assert_eq!(of("elasticache", "AuthToken", true), Some(Hide));
        assert_eq!(of("iam", "PasswordResetRequired", false), None);
        assert_eq!(of("lakeformation", "SessionToken", true), Some(Hide));
        assert_eq!(of("sts", "SessionToken", true), None);
        assert_eq!(of("sns", "Name", true), None);
        assert_eq!(of("sns", "PlatformCredential", true), Some(Hide));
        assert_eq!(of("ec2", "ClientToken", true), None);
        assert_eq!(of("iam", "NextToken", true), None);
    }
}
