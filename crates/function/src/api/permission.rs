//! Who may invoke a function: its policy, statement by statement.

use flow::{Fault, Tree};

use super::{broken, conflict, fault, invalid, parameter::check_revision, required, validation};
use crate::{
    Functions,
    function::is_word,
    policy::{POLICY_BYTES_MAX, Permission, Policy},
};

/// The longest id of a statement, in bytes.
const SID_BYTES_MAX: usize = 100;

impl Functions {
    pub(super) async fn add_permission(&self, input: &Tree) -> Result<Tree, Fault> {
        let _changing = self.0.changing.lock().await;
        let (named, mut row) = self.qualified(input)?;
        Self::check_not_latest(&named)?;
        check_revision(input, &self.revision_of(&named, &row)?)?;
        let arn = named.arn();
        for member in ["FunctionUrlAuthType", "InvokedViaFunctionUrl"] {
            if input.get(member).is_some() {
                let why = format!("{member}: function URLs are not offered by this server");
                return Err(invalid(why));
            }
        }
        let sid = required(input, "StatementId")?;
        let action = required(input, "Action")?;
        check_sid(sid)?;
        check_action(action)?;
        let qualifier = named.qualifier.as_deref();
        let mut policy = row.policy(qualifier).cloned().unwrap_or_default();
        if policy.has(sid) {
            return Err(conflict(format!(
                "The statement id ({sid}) provided already exists. Please provide a new statement \
                 id, or remove the existing statement."
            )));
        }
        let permission = Permission {
            sid,
            action,
            principal: required(input, "Principal")?,
            source_arn: input.text("SourceArn"),
            source_account: input.text("SourceAccount"),
            organization: input.text("PrincipalOrgID"),
            token: input.text("EventSourceToken"),
        };
        let statement = permission.statement(&arn).ok_or_else(|| {
            invalid("The provided principal was invalid. Please check the principal and try again.")
        })?;
        let text = statement.to_string();
        policy.add(statement);
        if policy.document().is_some_and(|document| document.len() > POLICY_BYTES_MAX) {
            let code = "PolicyLengthExceededException";
            let message =
                format!("The final policy size is bigger than the limit ({POLICY_BYTES_MAX}).");
            return Err(fault(code, message));
        }
        row.set_policy(qualifier, policy, self.0.host.chance.uuid());
        self.put_row(&named.name, row).await.map_err(|error| broken(&error))?;
        Ok(Tree::map([("Statement", Tree::from(text))]))
    }

    pub(super) async fn remove_permission(&self, input: &Tree) -> Result<Tree, Fault> {
        let _changing = self.0.changing.lock().await;
        let (named, mut row) = self.qualified(input)?;
        let sid = required(input, "StatementId")?;
        let qualifier = named.qualifier.as_deref();
        let mut policy = row.policy(qualifier).cloned().unwrap_or_default();
        if !policy.has(sid) {
            let message = match policy.document() {
                Some(_) => format!("Statement {sid} is not found in resource policy."),
                None => "No policy is associated with the given resource.".to_owned(),
            };
            return Err(fault("ResourceNotFoundException", message).with_status(404));
        }
        check_revision(input, &self.revision_of(&named, &row)?)?;
        policy.remove(sid);
        row.set_policy(qualifier, policy, self.0.host.chance.uuid());
        self.put_row(&named.name, row).await.map_err(|error| broken(&error))?;
        Ok(Tree::Null)
    }

    pub(super) fn get_policy(&self, input: &Tree) -> Result<Tree, Fault> {
        let (named, row) = self.qualified(input)?;
        let policy = row.policy(named.qualifier.as_deref());
        let Some(policy) = policy.and_then(Policy::document) else {
            let message = "The resource you requested does not exist.";
            return Err(fault("ResourceNotFoundException", message).with_status(404));
        };
        Ok(Tree::map([
            ("Policy", Tree::from(policy.as_ref())),
            ("RevisionId", Tree::from(self.revision_of(&named, &row)?)),
        ]))
    }
}

fn check_sid(sid: &str) -> Result<(), Fault> {
    if is_word(sid, SID_BYTES_MAX) {
        return Ok(());
    }
    Err(validation(&format!(
        "Value '{sid}' at 'statementId' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: ([a-zA-Z0-9-_]+)"
    )))
}

fn check_action(action: &str) -> Result<(), Fault> {
    let letters = |text: &str| text == "*" || text.bytes().all(|byte| byte.is_ascii_alphabetic());
    if action.strip_prefix("lambda:").is_some_and(|name| !name.is_empty() && letters(name)) {
        return Ok(());
    }
    Err(validation(&format!(
        "Value '{action}' at 'action' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])"
    )))
}
