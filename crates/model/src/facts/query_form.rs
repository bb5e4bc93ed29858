//! The names that SQS had when it spoke awsQuery, which older clients still speak and AWS still
//! understands; botocore's model says them no longer.
//!
//! Documented: the query parameters of SQS's API reference, with their `.N` and `.Name`.

use std::sync::OnceLock;

use crate::{Kind, Member, Protocol, Service};

const NAMESPACE: &str = "http://queue.amazonaws.com/doc/2012-11-05/";

/// What an item of a list is called, by the list's shape.
const ITEMS: &[(&str, &str)] = &[
    ("AWSAccountIdList", "AWSAccountId"),
    ("ActionNameList", "ActionName"),
    ("AttributeNameList", "AttributeName"),
    ("BatchResultErrorEntryList", "BatchResultErrorEntry"),
    ("BinaryList", "BinaryListValue"),
    ("ChangeMessageVisibilityBatchRequestEntryList", "ChangeMessageVisibilityBatchRequestEntry"),
    ("ChangeMessageVisibilityBatchResultEntryList", "ChangeMessageVisibilityBatchResultEntry"),
    ("DeleteMessageBatchRequestEntryList", "DeleteMessageBatchRequestEntry"),
    ("DeleteMessageBatchResultEntryList", "DeleteMessageBatchResultEntry"),
    ("ListMessageMoveTasksResultEntryList", "ListMessageMoveTasksResultEntry"),
    ("MessageAttributeNameList", "MessageAttributeName"),
    ("MessageList", "Message"),
    ("MessageSystemAttributeList", "MessageSystemAttributeName"),
    ("QueueUrlList", "QueueUrl"),
    ("SendMessageBatchRequestEntryList", "SendMessageBatchRequestEntry"),
    ("SendMessageBatchResultEntryList", "SendMessageBatchResultEntry"),
    ("StringList", "StringListValue"),
    ("TagKeyList", "TagKey"),
];

/// What a member is called, by its name in the model.
const MEMBERS: &[(&str, &str)] = &[
    ("Attributes", "Attribute"),
    ("BinaryListValues", "BinaryListValue"),
    ("MessageAttributes", "MessageAttribute"),
    ("MessageSystemAttributes", "MessageSystemAttribute"),
    ("Results", "ListMessageMoveTasksResultEntry"),
    ("StringListValues", "StringListValue"),
    ("Tags", "Tag"),
    ("tags", "Tag"),
];

/// The service as it spoke awsQuery, where that differs from what its model says: its operations
/// and shapes have the same names and places, and the names on the wire of those days.
pub fn query_form(service: &Service) -> Option<&'static Service> {
    static SQS: OnceLock<Service> = OnceLock::new();
    (service.name == "sqs").then(|| SQS.get_or_init(|| old_form(service)))
}

fn old_form(service: &Service) -> Service {
    let mut old = Service {
        protocols: vec![Protocol::Query],
        xml_namespace: Some(NAMESPACE.to_owned()),
        ..service.clone()
    };
    for operation in &mut old.operations {
        operation.result_wrapper =
            operation.output.as_ref().map(|_| format!("{}Result", operation.name));
    }
    for shape in &mut old.shapes {
        match &mut shape.kind {
            Kind::Structure(structure) => {
                structure.members.iter_mut().for_each(|member| rename(member, MEMBERS));
            }
            Kind::List { member, .. } => {
                member.wire_name = super::find(ITEMS, &shape.name).map(str::to_owned);
            }
            Kind::Map { key, value, .. } => {
                let tags = shape.name == "TagMap";
                key.wire_name = Some(if tags { "Key" } else { "Name" }.to_owned());
                value.wire_name = Some("Value".to_owned());
            }
            _ => {}
        }
    }
    old
}

fn rename(member: &mut Member, names: &[(&str, &'static str)]) {
    if let Some(name) = names.iter().find(|(name, _)| *name == member.name) {
        member.wire_name = Some(name.1.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_of_the_model() {
        let sqs = crate::service("sqs").unwrap();
        for (list, _) in ITEMS {
            assert!(sqs.shapes.iter().any(|shape| shape.name == *list), "{list}");
        }
        for (member, _) in MEMBERS {
            let has = |shape: &crate::Shape| match &shape.kind {
                Kind::Structure(structure) => structure.members.iter().any(|m| m.name == *member),
                _ => false,
            };
            assert!(sqs.shapes.iter().any(has), "{member}");
        }
    }

    #[test]
    fn only_sqs_has_another_form() {
        assert!(query_form(&crate::service("sqs").unwrap()).is_some());
        assert!(query_form(&crate::service("sns").unwrap()).is_none());
    }
}
