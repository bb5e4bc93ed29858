//! What tests set up by signed calls: queues, topics, and functions of a user's own.

use std::{
    io::{Cursor, Write},
    time::Duration,
};

use anyhow::{Context, ensure};
use flow::Tree;
use serde_json::json;
use tokio::time::{Instant, sleep};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{hand::Hand, messages::HIDDEN_SECONDS};

/// How long a function may take to become active.
const ACTIVE_TIME_MAX: Duration = Duration::from_secs(60);
/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a function may run, in seconds: no longer than what it is given stays hidden.
const FUNCTION_SECONDS: u32 = HIDDEN_SECONDS;

impl Hand {
    /// Makes a queue that these services may send to; its ARN.
    ///
    /// # Errors
    /// As [`client::Client::call`].
    pub async fn create_queue(&self, name: &str, from: &[&str]) -> anyhow::Result<String> {
        let hidden = Tree::map([("VisibilityTimeout", Tree::from(HIDDEN_SECONDS.to_string()))]);
        let input = Tree::map([("QueueName", Tree::from(name)), ("Attributes", hidden)]);
        self.call_tree("sqs", "CreateQueue", &input).await?;
        let url = self.queue_url(name);
        let asked = Tree::map([
            ("QueueUrl", Tree::from(url.as_str())),
            ("AttributeNames", Tree::List(vec!["QueueArn".into()])),
        ]);
        let told = self.call_tree("sqs", "GetQueueAttributes", &asked).await?;
        let arn = told.get("Attributes").and_then(|all| all.text("QueueArn"));
        let arn = arn.context("a queue has an ARN")?.to_owned();
        if !from.is_empty() {
            let policy =
                Tree::map([("Policy", Tree::from(letting(from, "sqs:SendMessage", &arn)))]);
            let input = Tree::map([("QueueUrl", Tree::from(url)), ("Attributes", policy)]);
            self.call_tree("sqs", "SetQueueAttributes", &input).await?;
        }
        Ok(arn)
    }

    /// Lets these services publish to a topic.
    ///
    /// # Errors
    /// As [`client::Client::call`].
    pub async fn let_publish(&self, topic: &str, from: &[&str]) -> Result<(), client::Error> {
        let policy = letting(from, "sns:Publish", topic);
        let input =
            [("TopicArn", topic), ("AttributeName", "Policy"), ("AttributeValue", &*policy)];
        self.call("sns", "SetTopicAttributes", &input).await.map(drop)
    }

    /// Subscribes a queue to a topic.
    ///
    /// # Errors
    /// As [`client::Client::call`].
    pub async fn subscribe_queue(&self, topic: &str, queue: &str) -> Result<(), client::Error> {
        let input = [("TopicArn", topic), ("Protocol", "sqs"), ("Endpoint", queue)];
        self.call("sns", "Subscribe", &input).await.map(drop)
    }

    /// Makes a function of one Python file, whose `handler` is called, under a role that may do
    /// `actions`; its ARN, once it can be invoked.
    ///
    /// # Errors
    /// As [`client::Client::call`], or it does not become active.
    pub async fn create_python(
        &self,
        name: &str,
        code: &str,
        actions: &[&str],
    ) -> anyhow::Result<String> {
        let role = self.create_role(name, actions).await?;
        let code = Tree::map([("ZipFile", Tree::Blob(zipped("app.py", code)?))]);
        let input = Tree::map([
            ("FunctionName", Tree::from(name)),
            ("Runtime", Tree::from("python3.13")),
            ("Handler", Tree::from("app.handler")),
            ("Role", Tree::from(role)),
            ("Timeout", Tree::from(i64::from(FUNCTION_SECONDS))),
            ("MemorySize", Tree::from(256)),
            ("Code", code),
        ]);
        self.call_tree("lambda", "CreateFunction", &input).await?;
        self.until_active(name).await
    }

    /// Waits until a function can be invoked; its ARN.
    ///
    /// # Errors
    /// As [`client::Client::call`], or it does not become active.
    pub async fn until_active(&self, name: &str) -> anyhow::Result<String> {
        let deadline = Instant::now() + ACTIVE_TIME_MAX;
        loop {
            let input = [("FunctionName", name)];
            let told = self.call("lambda", "GetFunctionConfiguration", &input).await?;
            if told.text("State") == Some("Active") {
                return Ok(told.text("FunctionArn").context("it has an ARN")?.to_owned());
            }
            ensure!(Instant::now() < deadline, "it does not become active: {told:?}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// Lets a service invoke a function.
    ///
    /// # Errors
    /// As [`client::Client::call`].
    pub async fn let_invoke(&self, function: &str, service: &str) -> Result<(), client::Error> {
        let input = [
            ("FunctionName", function),
            ("StatementId", "others"),
            ("Action", "lambda:InvokeFunction"),
            ("Principal", service),
        ];
        self.call("lambda", "AddPermission", &input).await.map(drop)
    }

    /// Has a function's answers to events sent to a queue or a topic.
    ///
    /// # Errors
    /// As [`client::Client::call`].
    pub async fn on_success(&self, function: &str, target: &str) -> Result<(), client::Error> {
        let target = Tree::map([("Destination", Tree::from(target))]);
        let input = Tree::map([
            ("FunctionName", Tree::from(function)),
            ("DestinationConfig", Tree::map([("OnSuccess", target)])),
        ]);
        self.call_tree("lambda", "PutFunctionEventInvokeConfig", &input).await.map(drop)
    }

    /// Has a function given the messages of a queue.
    ///
    /// # Errors
    /// As [`client::Client::call`].
    pub async fn map_queue(&self, queue: &str, function: &str) -> Result<(), client::Error> {
        let input = [("EventSourceArn", queue), ("FunctionName", function)];
        self.call("lambda", "CreateEventSourceMapping", &input).await.map(drop)
    }

    /// Makes a role that Lambda may assume, and that may do `actions`; its ARN.
    ///
    /// # Errors
    /// As [`client::Client::call`].
    pub async fn create_role(&self, name: &str, actions: &[&str]) -> anyhow::Result<String> {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "lambda.amazonaws.com"},
        }]});
        let trust = trust.to_string();
        let input = [("RoleName", name), ("AssumeRolePolicyDocument", &*trust)];
        let made = self.call("iam", "CreateRole", &input).await?;
        if !actions.is_empty() {
            let policy = json!({"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": actions, "Resource": "*",
            }]});
            let policy = policy.to_string();
            let input = [("RoleName", name), ("PolicyName", "may"), ("PolicyDocument", &*policy)];
            self.call("iam", "PutRolePolicy", &input).await?;
        }
        let arn = made.get("Role").and_then(|role| role.text("Arn"));
        Ok(arn.context("a role has an ARN")?.to_owned())
    }
}

/// A resource's policy that lets services do one thing.
fn letting(services: &[&str], action: &str, arn: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": services}, "Action": action, "Resource": arn,
    }]})
    .to_string()
}

/// A zip of one file, as code is uploaded.
///
/// # Errors
/// None that memory does not make.
pub fn zipped(name: &str, text: &str) -> anyhow::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(name, SimpleFileOptions::default().unix_permissions(0o644))?;
    zip.write_all(text.as_bytes())?;
    Ok(zip.finish()?.into_inner())
}
