//! Messages between their sending and their end.

use flow::Tree;

use crate::world::{World, bodies, number, receive_input, texts, url};

fn batch(name: &str, entries: Vec<Tree>) -> Tree {
    Tree::map([("QueueUrl", Tree::from(url(name))), ("Entries", Tree::List(entries))])
}

#[tokio::test]
async fn a_message_is_received_as_it_was_sent() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    let attribute = |kind: &str, member, value: Tree| {
        Tree::map([(member, value), ("DataType", Tree::from(kind))])
    };
    let attributes = Tree::map([
        ("image", attribute("Binary.png", "BinaryValue", Tree::Blob(vec![0, 255]))),
        ("who", attribute("String", "StringValue", "me".into())),
    ]);
    let trace = attribute("String", "StringValue", "Root=1-a".into());
    let input = Tree::map([
        ("QueueUrl", Tree::from(url("jobs"))),
        ("MessageBody", "Grüße".into()),
        ("MessageAttributes", attributes.clone()),
        ("MessageSystemAttributes", Tree::map([("AWSTraceHeader", trace)])),
    ]);
    let sent = world.call("SendMessage", input).await.unwrap();
    world.pass(2);
    let got = world.receive("jobs").await.remove(0);
    assert_eq!(got.get("MessageId"), sent.get("MessageId"));
    assert_eq!(got.text("Body"), Some("Grüße"));
    assert_eq!(got.get("MD5OfBody"), sent.get("MD5OfMessageBody"));
    assert_eq!(got.get("MessageAttributes"), Some(&attributes));
    assert_eq!(got.get("MD5OfMessageAttributes"), sent.get("MD5OfMessageAttributes"));
    assert!(sent.text("MD5OfMessageSystemAttributes").is_some());
    let system = got.get("Attributes").unwrap();
    assert_eq!(system.text("SenderId"), Some("123456789012"));
    assert_eq!(system.text("AWSTraceHeader"), Some("Root=1-a"));
    assert_eq!(number(&got, "SentTimestamp"), 1_700_000_000_000);
    assert_eq!(number(&got, "ApproximateFirstReceiveTimestamp"), 1_700_000_002_000);
    assert_eq!(number(&got, "ApproximateReceiveCount"), 1);
}

#[tokio::test]
async fn attributes_are_given_by_name_and_by_beginning() {
    let world = World::open().await;
    world.create("jobs", &[("VisibilityTimeout", "0")]).await;
    let text =
        Tree::map([("DataType", "String"), ("StringValue", "v")].map(|(n, v)| (n, Tree::from(v))));
    let names = ["bar.one", "bar.two", "foo"];
    let attributes = Tree::map(names.map(|name| (name, text.clone())));
    let input = Tree::map([
        ("QueueUrl", Tree::from(url("jobs"))),
        ("MessageBody", "b".into()),
        ("MessageAttributes", attributes),
    ]);
    world.call("SendMessage", input).await.unwrap();
    for (wanted, expected) in [
        (&["All"][..], &names[..]),
        (&[".*"], &names),
        (&["bar.*"], &["bar.one", "bar.two"]),
        (&["foo", "unknown"], &["foo"]),
        (&[], &[]),
    ] {
        let list = Tree::List(wanted.iter().map(|name| Tree::from(*name)).collect());
        let input = Tree::map([("QueueUrl", url("jobs").into()), ("MessageAttributeNames", list)]);
        let got = world.call("ReceiveMessage", input).await.unwrap().list("Messages")[0].clone();
        let given = got.get("MessageAttributes").map(Tree::members).unwrap_or_default();
        let given: Vec<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(given, expected, "{wanted:?}");
        assert_eq!(got.get("MD5OfMessageAttributes").is_some(), !expected.is_empty());
        assert_eq!(got.get("Attributes"), None);
    }
    let unknown = Tree::map([
        ("QueueUrl", url("jobs").into()),
        ("AttributeNames", Tree::List(vec!["Colour".into()])),
    ]);
    assert_eq!(world.code("ReceiveMessage", unknown).await, "InvalidAttributeName");
}

#[tokio::test]
async fn a_message_is_hidden_from_others_until_its_timeout() {
    let world = World::open().await;
    world.create("jobs", &[("VisibilityTimeout", "10")]).await;
    world.send("jobs", "a").await;
    let first = world.receive("jobs").await;
    assert_eq!(bodies(&first), ["a"]);
    assert_eq!(world.counts("jobs").await, (0, 1, 0));
    world.pass(9);
    assert!(world.receive("jobs").await.is_empty());
    world.pass(1);
    assert_eq!(world.counts("jobs").await, (1, 0, 0));
    let second = world.receive_with("jobs", &[("VisibilityTimeout", 3)]).await;
    assert_eq!(number(&second[0], "ApproximateReceiveCount"), 2);
    assert_ne!(second[0].get("ReceiptHandle"), first[0].get("ReceiptHandle"));
    world.pass(3);
    assert_eq!(world.receive("jobs").await.len(), 1);
}

#[tokio::test]
async fn a_message_hidden_for_no_time_is_given_once_a_receive() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    world.send("jobs", "a").await;
    for _ in 0..2 {
        assert_eq!(world.receive_with("jobs", &[("VisibilityTimeout", 0)]).await.len(), 1);
    }
}

#[tokio::test]
async fn every_receipt_handle_of_a_message_deletes_it() {
    let world = World::open().await;
    world.create("jobs", &[("VisibilityTimeout", "10")]).await;
    world.send("jobs", "a").await;
    let first = world.receive("jobs").await.remove(0);
    world.pass(10);
    let second = world.receive("jobs").await.remove(0);
    assert_ne!(first.text("ReceiptHandle"), second.text("ReceiptHandle"));
    // The second holder has it, and it goes all the same.
    world.delete("jobs", &first).await;
    assert_eq!(world.counts("jobs").await, (0, 0, 0));
    world.delete("jobs", &second).await;
    // Its time is over, but nobody else was given the message.
    world.send("jobs", "b").await;
    let third = world.receive("jobs").await.remove(0);
    world.pass(10);
    world.delete("jobs", &third).await;
    assert_eq!(world.counts("jobs").await, (0, 0, 0));
}

#[tokio::test]
async fn a_handle_that_was_never_given_is_refused() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    world.create("other", &[]).await;
    world.send("other", "a").await;
    let foreign = world.receive("other").await.remove(0);
    for handle in ["nonsense", "AQEB", foreign.text("ReceiptHandle").unwrap()] {
        let input = texts(&[("QueueUrl", &url("jobs")), ("ReceiptHandle", handle)]);
        assert_eq!(world.code("DeleteMessage", input).await, "ReceiptHandleIsInvalid");
    }
}

#[tokio::test]
async fn visibility_is_changed_while_a_message_is_in_flight() {
    let world = World::open().await;
    world.create("jobs", &[("VisibilityTimeout", "10")]).await;
    world.send("jobs", "a").await;
    let first = world.receive("jobs").await.remove(0);
    world.pass(5);
    world.hide("jobs", &first, 60).await.unwrap();
    world.pass(59);
    assert!(world.receive("jobs").await.is_empty());
    world.hide("jobs", &first, 0).await.unwrap();
    let code = |done: Result<(), flow::Fault>| done.unwrap_err().code;
    assert_eq!(code(world.hide("jobs", &first, 5).await), "MessageNotInflight");
    assert_eq!(world.receive("jobs").await.len(), 1);
    world.hide("jobs", &first, 20).await.unwrap();
    world.pass(19);
    assert!(world.receive("jobs").await.is_empty(), "hidden by the older handle");
    world.hide("jobs", &first, 0).await.unwrap();
    let second = world.receive("jobs").await.remove(0);
    world.hide("jobs", &second, 43_200).await.unwrap();
    world.pass(1);
    // Twelve hours from the receive, whatever is asked for meanwhile.
    assert_eq!(code(world.hide("jobs", &second, 43_200).await), "InvalidParameterValue");
    assert_eq!(code(world.hide("jobs", &second, 43_201).await), "InvalidParameterValue");
    world.hide("jobs", &second, 43_199).await.unwrap();
    world.delete("jobs", &second).await;
    assert_eq!(code(world.hide("jobs", &second, 5).await), "InvalidParameterValue");
}

#[tokio::test]
async fn a_delay_of_the_message_goes_before_that_of_the_queue() {
    let world = World::open().await;
    world.create("jobs", &[("DelaySeconds", "10")]).await;
    world.send("jobs", "queue's").await;
    let own = |seconds: i64| {
        Tree::map([
            ("QueueUrl", Tree::from(url("jobs"))),
            ("MessageBody", "own".into()),
            ("DelaySeconds", seconds.into()),
        ])
    };
    world.call("SendMessage", own(0)).await.unwrap();
    world.call("SendMessage", own(20)).await.unwrap();
    assert_eq!(world.code("SendMessage", own(901)).await, "InvalidParameterValue");
    assert_eq!(world.counts("jobs").await, (1, 0, 2));
    assert_eq!(bodies(&world.receive("jobs").await), ["own"]);
    world.pass(10);
    assert_eq!(bodies(&world.receive("jobs").await), ["queue's"]);
    world.pass(10);
    assert_eq!(bodies(&world.receive("jobs").await), ["own"]);
}

#[tokio::test]
async fn a_message_ends_with_its_retention_whoever_holds_it() {
    let world = World::open().await;
    world.create("jobs", &[("MessageRetentionPeriod", "60"), ("VisibilityTimeout", "300")]).await;
    world.send("jobs", "a").await;
    world.pass(30);
    world.send("jobs", "b").await;
    let held = world.receive_with("jobs", &[("MaxNumberOfMessages", 1)]).await.remove(0);
    assert_eq!(held.text("Body"), Some("a"));
    world.pass(30);
    assert_eq!(world.counts("jobs").await, (1, 0, 0));
    world.delete("jobs", &held).await;
    world.pass(29);
    assert_eq!(bodies(&world.receive("jobs").await), ["b"]);
    world.pass(1);
    assert_eq!(world.counts("jobs").await, (0, 0, 0));
}

#[tokio::test]
async fn a_purge_takes_what_there_is_and_not_what_comes() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    world.create("other", &[]).await;
    world.send("other", "kept").await;
    for body in ["a", "b", "c"] {
        world.send("jobs", body).await;
    }
    world.receive_with("jobs", &[("MaxNumberOfMessages", 1)]).await;
    world.call("PurgeQueue", texts(&[("QueueUrl", &url("jobs"))])).await.unwrap();
    assert_eq!(world.counts("jobs").await, (0, 0, 0));
    world.send("jobs", "later").await;
    assert_eq!(bodies(&world.receive("jobs").await), ["later"]);
    assert_eq!(world.counts("other").await, (1, 0, 0));
}

#[tokio::test]
async fn what_was_answered_is_there_after_another_start() {
    let mut world = World::open().await;
    world.create("jobs", &[("VisibilityTimeout", "10")]).await;
    for body in ["deleted", "held", "kept"] {
        world.send("jobs", body).await;
    }
    let first = world.receive_with("jobs", &[("MaxNumberOfMessages", 2)]).await;
    world.delete("jobs", &first[0]).await;
    world.reopen().await;
    assert_eq!(world.counts("jobs").await, (1, 1, 0));
    assert_eq!(bodies(&world.receive("jobs").await), ["kept"]);
    // A handle of before the start is as good as ever.
    world.hide("jobs", &first[1], 0).await.unwrap();
    assert_eq!(bodies(&world.receive("jobs").await), ["held"]);
}

#[tokio::test]
async fn a_message_larger_than_its_queue_takes_is_refused() {
    let world = World::open().await;
    world.create("jobs", &[("MaximumMessageSize", "1024")]).await;
    world.send("jobs", &"x".repeat(1024)).await;
    let input = texts(&[("QueueUrl", &url("jobs")), ("MessageBody", &"x".repeat(1025))]);
    assert_eq!(world.code("SendMessage", input).await, "InvalidParameterValue");
    world.create("large", &[]).await;
    world.send("large", &"x".repeat(1_048_576)).await;
    assert_eq!(world.receive("large").await[0].text("Body").unwrap().len(), 1_048_576);
}

#[tokio::test]
async fn numbers_of_a_receive_have_their_ranges() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    for (name, wrong) in [
        ("MaxNumberOfMessages", 0),
        ("MaxNumberOfMessages", 11),
        ("WaitTimeSeconds", -1),
        ("WaitTimeSeconds", 21),
        ("VisibilityTimeout", 43_201),
    ] {
        let input = receive_input("jobs", &[(name, wrong)]);
        assert_eq!(world.code("ReceiveMessage", input).await, "InvalidParameterValue", "{name}");
    }
}

#[tokio::test]
async fn each_entry_of_a_batch_has_an_answer_of_its_own() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    let entry = |id: &str, body: &str| texts(&[("Id", id), ("MessageBody", body)]);
    let entries = vec![entry("good", "a"), entry("bad", "\u{7}"), entry("empty", "")];
    let sent = world.call("SendMessageBatch", batch("jobs", entries)).await.unwrap();
    let ids = |tree: &Tree, list: &str| {
        let of = |entry: &Tree| entry.text("Id").unwrap().to_owned();
        tree.list(list).iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(ids(&sent, "Successful"), ["good"]);
    assert_eq!(ids(&sent, "Failed"), ["bad", "empty"]);
    let failed = &sent.list("Failed")[0];
    assert_eq!(failed.text("Code"), Some("InvalidMessageContents"));
    assert_eq!(failed.bool("SenderFault"), Some(true));
    let message = world.receive("jobs").await.remove(0);
    let handle = message.text("ReceiptHandle").unwrap();
    let hide = |id: &str, handle: &str| {
        let mut entry = texts(&[("Id", id), ("ReceiptHandle", handle)]);
        if let Tree::Map(members) = &mut entry {
            members.push(("VisibilityTimeout".to_owned(), Tree::from(5_i64)));
        }
        entry
    };
    let wishes = vec![hide("a", handle), hide("b", "nonsense")];
    let hidden = world.call("ChangeMessageVisibilityBatch", batch("jobs", wishes)).await.unwrap();
    assert_eq!(
        (ids(&hidden, "Successful"), ids(&hidden, "Failed")),
        (vec!["a".into()], vec!["b".into()])
    );
    let entry = |id: &str, handle: &str| texts(&[("Id", id), ("ReceiptHandle", handle)]);
    let entries = vec![entry("x", "nonsense"), entry("y", handle)];
    let deleted = world.call("DeleteMessageBatch", batch("jobs", entries)).await.unwrap();
    assert_eq!(
        (ids(&deleted, "Successful"), ids(&deleted, "Failed")),
        (vec!["y".into()], vec!["x".into()])
    );
    assert_eq!(deleted.list("Failed")[0].text("Code"), Some("ReceiptHandleIsInvalid"));
    assert_eq!(world.counts("jobs").await, (0, 0, 0));
}

#[tokio::test]
async fn a_batch_that_is_none_is_refused_whole() {
    let world = World::open().await;
    world.create("jobs", &[]).await;
    let entry = |id: &str| texts(&[("Id", id), ("MessageBody", "b")]);
    let long = || {
        vec![
            texts(&[("Id", "a"), ("MessageBody", &"x".repeat(600_000))]),
            texts(&[("Id", "b"), ("MessageBody", &"x".repeat(600_000))]),
        ]
    };
    for (entries, code) in [
        (vec![], "EmptyBatchRequest"),
        ((0..11).map(|n| entry(&n.to_string())).collect(), "TooManyEntriesInBatchRequest"),
        (vec![entry("a"), entry("a")], "BatchEntryIdsNotDistinct"),
        (vec![entry("a b")], "InvalidBatchEntryId"),
        (long(), "BatchRequestTooLong"),
    ] {
        assert_eq!(world.code("SendMessageBatch", batch("jobs", entries)).await, code);
    }
    assert_eq!(world.counts("jobs").await, (0, 0, 0));
}
