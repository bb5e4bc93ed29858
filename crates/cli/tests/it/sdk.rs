//! AWS's SDK for Rust against the executable: a client that we did not write.

use aws_sdk_lambda::{
    primitives::Blob,
    types::{FunctionCode, InvocationType, LastUpdateStatus, LogType, Runtime, State},
};
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};
use server::Info;
use testkit::{Ledger, Program, Running, zipped};

use crate::EXECUTABLE;

/// What each of the SDK's crates calls its own in its own place: clients of one server.
macro_rules! client {
    ($sdk:ident, $info:expr) => {{
        let info: &Info = $info;
        let (id, secret) = (info.access_key_id.clone(), info.secret_access_key.clone());
        let config = $sdk::Config::builder()
            .behavior_version_latest()
            .region($sdk::config::Region::new(info.region.clone()))
            .endpoint_url(&info.endpoint)
            .credentials_provider($sdk::config::Credentials::new(id, secret, None, None, "test"))
            .build();
        $sdk::Client::from_conf(config)
    }};
}

async fn up() -> (tempfile::TempDir, Running) {
    let folder = tempfile::tempdir().unwrap();
    let server = Program::at(EXECUTABLE).up(&folder.path().join("data"), &[]).await.unwrap();
    (folder, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_sent_received_hidden_and_deleted() {
    let (_folder, server) = up().await;
    let sqs = client!(aws_sdk_sqs, server.info());
    let made = sqs.create_queue().queue_name("jobs").send().await.unwrap();
    let url = made.queue_url().unwrap();
    let who = MessageAttributeValue::builder().data_type("String").string_value("me");
    // The SDK compares the digest of what it sent with the one in the answer.
    let sent = sqs
        .send_message()
        .queue_url(url)
        .message_body("Grüße")
        .message_attributes("who", who.build().unwrap());
    let sent = sent.send().await.unwrap();
    let received = sqs
        .receive_message()
        .queue_url(url)
        .message_attribute_names("All")
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .wait_time_seconds(5);
    let received = received.send().await.unwrap();
    let [message] = received.messages() else { panic!("{received:?}") };
    assert_eq!((message.body(), message.message_id()), (Some("Grüße"), sent.message_id()));
    assert_eq!(message.message_attributes().unwrap()["who"].string_value(), Some("me"));
    let handle = message.receipt_handle().unwrap();
    let hidden = sqs.change_message_visibility().queue_url(url).receipt_handle(handle);
    hidden.visibility_timeout(60).send().await.unwrap();
    sqs.delete_message().queue_url(url).receipt_handle(handle).send().await.unwrap();
    let told = sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
    let told = told.send().await.unwrap();
    let attributes = told.attributes().unwrap();
    assert_eq!(attributes[&QueueAttributeName::ApproximateNumberOfMessagesNotVisible], "0");
    let missing = sqs.get_queue_url().queue_name("nowhere").send().await.unwrap_err();
    assert!(missing.into_service_error().is_queue_does_not_exist());
    assert_eq!(server.terminate().await.unwrap(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_comes_to_a_subscribed_queue() {
    let (_folder, server) = up().await;
    let (sns, sqs) = (client!(aws_sdk_sns, server.info()), client!(aws_sdk_sqs, server.info()));
    let hand = server.client(&Ledger::default()).unwrap();
    let queue = hand.create_queue("inbox", &["sns.amazonaws.com"]).await.unwrap();
    let topic = sns.create_topic().name("news").send().await.unwrap();
    let topic = topic.topic_arn().unwrap();
    let subscribed = sns.subscribe().topic_arn(topic).protocol("sqs").endpoint(queue);
    subscribed.attributes("RawMessageDelivery", "true").send().await.unwrap();
    sns.publish().topic_arn(topic).message("hello").send().await.unwrap();
    let received = sqs.receive_message().queue_url(hand.queue_url("inbox")).wait_time_seconds(20);
    let received = received.send().await.unwrap();
    assert_eq!(received.messages()[0].body(), Some("hello"));
    let missing = sns.get_topic_attributes().topic_arn(format!("{topic}-no")).send().await;
    assert!(missing.unwrap_err().into_service_error().is_not_found_exception());
    assert_eq!(server.terminate().await.unwrap(), Some(0));
}

const PYTHON: &str = "\
def handler(event, context):
    print('heard', event['name'])
    return {'hello': event['name']}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_function_is_created_invoked_and_deleted() {
    let (_folder, server) = up().await;
    let lambda = client!(aws_sdk_lambda, server.info());
    let hand = server.client(&Ledger::default()).unwrap();
    let role = hand.create_role("hello", &[]).await.unwrap();
    let code = Blob::new(zipped("app.py", PYTHON).unwrap());
    let made = lambda
        .create_function()
        .function_name("hello")
        .runtime(Runtime::Python313)
        .handler("app.handler")
        .role(role)
        .timeout(30)
        .code(FunctionCode::builder().zip_file(code).build());
    made.send().await.unwrap();
    let arn = hand.until_active("hello").await.unwrap();
    let active = lambda.get_function_configuration().function_name("hello").send().await.unwrap();
    assert_eq!((active.function_arn(), active.state()), (Some(&*arn), Some(&State::Active)));
    assert_eq!(active.last_update_status(), Some(&LastUpdateStatus::Successful));
    let call = || lambda.invoke().function_name("hello").payload(Blob::new(r#"{"name":"you"}"#));
    let answer = call().log_type(LogType::Tail).send().await.unwrap();
    assert_eq!((answer.status_code(), answer.function_error()), (200, None));
    assert_eq!(answer.payload().unwrap().as_ref(), br#"{"hello": "you"}"#);
    assert!(answer.log_result().is_some());
    let accepted = call().invocation_type(InvocationType::Event).send().await.unwrap();
    assert_eq!(accepted.status_code(), 202);
    lambda.delete_function().function_name("hello").send().await.unwrap();
    let gone = lambda.get_function().function_name("hello").send().await.unwrap_err();
    assert!(gone.into_service_error().is_resource_not_found_exception());
    assert_eq!(server.terminate().await.unwrap(), Some(0));
}
