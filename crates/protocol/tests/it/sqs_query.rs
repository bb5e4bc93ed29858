//! SQS as clients spoke to it before its model said JSON.

use flow::{Fault, Tree};
use http::HeaderMap;
use model::Protocol;
use protocol::RequestParts;

fn decode(operation: &str, path: &str, body: &str) -> Tree {
    let service = model::service("sqs").unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("host", "127.0.0.1:4580".parse().unwrap());
    headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    let parts = RequestParts { method: "POST", path, query: "", headers: &headers };
    assert_eq!(protocol::protocol_of(&service, &parts), Protocol::Query);
    let operation = service.operation(operation).unwrap();
    protocol::decode_request(&service, operation, Protocol::Query, &parts, body.as_bytes()).unwrap()
}

#[test]
fn a_form_names_attributes_by_number_name_and_value() {
    let body = "Action=SendMessage&QueueUrl=http%3A%2F%2Fh%2F1%2Fq&MessageBody=b\
                &MessageAttribute.1.Name=who&MessageAttribute.1.Value.DataType=String\
                &MessageAttribute.1.Value.StringValue=me";
    let input = decode("SendMessage", "/", body);
    assert_eq!(input.text("QueueUrl"), Some("http://h/1/q"));
    let who = input.get("MessageAttributes").unwrap().get("who").unwrap();
    assert_eq!((who.text("DataType"), who.text("StringValue")), (Some("String"), Some("me")));
    let body = "Action=CreateQueue&QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5\
                &Tag.1.Key=a&Tag.1.Value=b";
    let input = decode("CreateQueue", "/", body);
    assert_eq!(input.get("Attributes").unwrap().text("DelaySeconds"), Some("5"));
    assert_eq!(input.get("tags").unwrap().text("a"), Some("b"));
    let body = "Action=DeleteMessageBatch&DeleteMessageBatchRequestEntry.1.Id=a\
                &DeleteMessageBatchRequestEntry.1.ReceiptHandle=h";
    let input = decode("DeleteMessageBatch", "/1/q", body);
    assert_eq!(input.list("Entries")[0].text("ReceiptHandle"), Some("h"));
    assert_eq!(input.text("QueueUrl"), Some("http://127.0.0.1:4580/1/q"));
}

#[test]
fn an_answer_is_xml_in_the_names_of_those_days() {
    let service = model::service("sqs").unwrap();
    let operation = service.operation("GetQueueAttributes").unwrap();
    let attributes = Tree::map([("DelaySeconds", Tree::from("5"))]);
    let output = Tree::map([("Attributes", attributes)]);
    let answer = protocol::encode_response(&service, operation, Protocol::Query, &output, "r-1");
    assert_eq!(
        String::from_utf8(answer.body.to_vec()).unwrap(),
        "<GetQueueAttributesResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">\
         <GetQueueAttributesResult><Attribute><Name>DelaySeconds</Name><Value>5</Value></Attribute>\
         </GetQueueAttributesResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>\
         </GetQueueAttributesResponse>"
    );
}

#[test]
fn errors_have_their_old_codes_in_both_protocols() {
    let service = model::service("sqs").unwrap();
    let fault = Fault::new("QueueDoesNotExist", "The specified queue does not exist.");
    let xml = protocol::encode_error(Some(&service), Protocol::Query, &fault, "r-1");
    let xml = String::from_utf8(xml.body.to_vec()).unwrap();
    assert!(xml.contains("<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"), "{xml}");
    let json = protocol::encode_error(Some(&service), Protocol::Json, &fault, "r-1");
    let header = json.headers.get("x-amzn-query-error").unwrap();
    assert_eq!(header, "AWS.SimpleQueueService.NonExistentQueue;Sender");
    assert!(String::from_utf8(json.body.to_vec()).unwrap().contains("QueueDoesNotExist"));
}
