//! `AddPermission` and `RemovePermission`: statements of a queue's policy by their labels.

use flow::{AccountId, Fault, Tree};
use policy::Document;

use crate::{
    attributes::{self, Attributes},
    batch::required,
    error::Refusal,
    queue, refusal,
    room::Inner,
};

/// Actions of one statement.
const ACTIONS_MAX: usize = 7;

/// Statements of one policy that these operations make.
const STATEMENTS_MAX: usize = 20;

/// What others may be allowed; all else is for a queue's owner.
const ACTIONS: &[&str] = &[
    "*",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
];

impl Inner {
    pub(crate) async fn add_permission(&self, input: &Tree) -> Result<Tree, Refusal> {
        let label = required(input, "Label")?;
        // A label is spelled as a queue's name is.
        queue::check_name(label).map_err(|_| {
            let why = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
            refusal::invalid(label, "Label", why)
        })?;
        let accounts = accounts(input)?;
        let actions = actions(input)?;
        let _changing = self.changing.lock().await;
        let queue = self.by_url(required(input, "QueueUrl")?)?;
        let mut policy = document(&queue.attributes).unwrap_or_else(|| {
            Document::new("2012-10-17", &format!("{}/SQSDefaultPolicy", queue.arn))
        });
        let statements = &mut policy.statements;
        if statements.has(label) {
            return Err(refusal::invalid(label, "Label", "Already exists.").into());
        }
        if statements.len() >= STATEMENTS_MAX {
            let what = format!("The policy has {STATEMENTS_MAX} statements already.");
            return Err(refusal::over_limit(what).into());
        }
        statements.add(policy::allow(label, &accounts, actions, &queue.arn));
        let policy = attributes::policy(&policy.to_string())?;
        let attributes = Attributes { policy: Some(policy), ..queue.attributes.clone() };
        self.change_attributes(&queue, attributes).await?;
        Ok(Tree::Null)
    }

    pub(crate) async fn remove_permission(&self, input: &Tree) -> Result<Tree, Refusal> {
        let label = required(input, "Label")?;
        let _changing = self.changing.lock().await;
        let queue = self.by_url(required(input, "QueueUrl")?)?;
        let unknown = || refusal::invalid(label, "Label", "can't find label.");
        let mut policy = document(&queue.attributes).ok_or_else(unknown)?;
        if !policy.statements.remove(label) {
            return Err(unknown().into());
        }
        let policy = (!policy.statements.is_empty()).then(|| policy.to_string());
        self.change_attributes(&queue, Attributes { policy, ..queue.attributes.clone() }).await?;
        Ok(Tree::Null)
    }
}

fn document(attributes: &Attributes) -> Option<Document> {
    Document::of(attributes.policy.as_deref()?)
}

fn accounts(input: &Tree) -> Result<Vec<AccountId>, Fault> {
    let given = input.list("AWSAccountIds").iter().filter_map(Tree::as_text);
    let accounts: Result<Vec<AccountId>, Fault> = given
        .map(|id| {
            id.parse().map_err(|_| {
                let why = "Unable to verify. It must be an account of 12 digits.";
                refusal::invalid(id, "PrincipalId", why)
            })
        })
        .collect();
    let accounts = accounts?;
    if accounts.is_empty() { Err(refusal::missing("PrincipalId")) } else { Ok(accounts) }
}

fn actions(input: &Tree) -> Result<Vec<String>, Fault> {
    let given: Vec<&str> = input.list("Actions").iter().filter_map(Tree::as_text).collect();
    if given.is_empty() {
        return Err(refusal::missing("Actions"));
    }
    if given.len() > ACTIONS_MAX {
        let count = given.len();
        let what = format!("{count} Actions were found, maximum allowed is {ACTIONS_MAX}.");
        return Err(refusal::over_limit(what));
    }
    let named = given.into_iter().map(|action| match ACTIONS.contains(&action) {
        true => Ok(format!("SQS:{action}")),
        false => {
            let why = "Only the queue owner is allowed to invoke this action.";
            Err(refusal::invalid(&format!("SQS:{action}"), "ActionName", why))
        }
    });
    named.collect()
}
