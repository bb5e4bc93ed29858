//! Versions and aliases of a user's function.

use std::fs;

use bytes::Bytes;
use flow::{Fault, Invoke, ResourcePolicies, Tree};
use serde_json::{Value, json};

use crate::{
    lambda::{MINE, has, text, zipped},
    room::Room,
};

/// Says which code it is, and as what it was called.
fn code(mark: &str) -> String {
    format!(
        "def handler(event, context):\n    return [{mark:?}, context.function_version, \
         context.invoked_function_arn.split(':function:')[1]]\n"
    )
}

impl Room {
    async fn on_mine(&self, operation: &str, more: &[(&'static str, &str)]) -> Result<Tree, Fault> {
        let members = more.iter().map(|(name, value)| (*name, text(value)));
        let own = more.iter().all(|(name, _)| *name != "FunctionName");
        let own = own.then(|| ("FunctionName", text("mine")));
        self.call(operation, Tree::map(own.into_iter().chain(members))).await
    }

    /// What the version or alias answers; and the version that Lambda says it was.
    async fn asked(&self, qualifier: &str) -> (Value, String) {
        let output = self.on_mine("Invoke", &[("Qualifier", qualifier)]).await.unwrap();
        let Some(Tree::Blob(payload)) = output.get("Payload") else { panic!("{output:?}") };
        let version = output.text("ExecutedVersion").unwrap().to_owned();
        (serde_json::from_slice(payload).unwrap(), version)
    }

    async fn put_code(&self, mark: &str, publish: bool) -> Tree {
        let input = Tree::map([
            ("FunctionName", text("mine")),
            ("ZipFile", Tree::Blob(zipped(&[("app.py", &code(mark))]))),
            ("Publish", Tree::from(publish)),
        ]);
        self.call("UpdateFunctionCode", input).await.unwrap()
    }

    async fn listed(&self) -> Vec<String> {
        let listed = self.on_mine("ListVersionsByFunction", &[]).await.unwrap();
        let arn = |version: &Tree| version.text("FunctionArn").unwrap().replace(MINE, "");
        listed.list("Versions").iter().map(arn).collect()
    }

    fn shelf(&self) -> usize {
        fs::read_dir(self.dir.join("code")).unwrap().count()
    }
}

fn refusal(refused: Result<Tree, Fault>) -> String {
    let fault = refused.unwrap_err();
    format!("{}: {}", fault.code, fault.message)
}

pub(crate) async fn a_version_is_what_was_published_whatever_comes_after_it() {
    if !has("python3") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let room = Room::at(folder.path().to_owned(), "lambda").await;
    room.create("python3.13", "app.handler", &[("app.py", &code("one"))]).await;
    let one = room.on_mine("PublishVersion", &[("Description", "first")]).await.unwrap();
    let arn = format!("{MINE}:1");
    assert_eq!((one.text("Version"), one.text("FunctionArn")), (Some("1"), Some(arn.as_str())));
    assert_eq!(one.text("Description"), Some("first"));
    // Nothing was changed since.
    let again = room.on_mine("PublishVersion", &[("Description", "again")]).await.unwrap();
    assert_eq!(again, one);
    let two = room.put_code("two", true).await;
    assert_eq!(two.text("FunctionArn"), Some(format!("{MINE}:2").as_str()));
    assert_eq!(room.put_code("three", false).await.text("Version"), Some("$LATEST"));
    let alias = [("Name", "live"), ("FunctionVersion", "1")];
    let live = room.on_mine("CreateAlias", &alias).await.unwrap();
    assert_eq!(live.text("AliasArn"), Some(format!("{MINE}:live").as_str()));
    let mut room = room;
    for start in 0..2 {
        assert_eq!(room.listed().await, [":$LATEST", ":1", ":2"]);
        assert_eq!(room.shelf(), 3);
        for (qualifier, mark, version, called) in [
            ("1", "one", "1", "mine:1"),
            ("2", "two", "2", "mine:2"),
            ("live", "one", "1", "mine:live"),
            ("$LATEST", "three", "$LATEST", "mine"),
        ] {
            let (told, executed) = room.asked(qualifier).await;
            assert_eq!((told, executed.as_str()), (json!([mark, version, called]), version));
        }
        assert_eq!(
            room.on_mine("GetFunctionConfiguration", &[("Qualifier", "1")]).await,
            Ok(one.clone())
        );
        if start == 0 {
            room.end().await;
            room = Room::at(folder.path().to_owned(), "lambda").await;
        }
    }
    let named = refusal(room.on_mine("DeleteFunction", &[("Qualifier", "1")]).await);
    assert!(named.ends_with("the following aliases reference it: [live]"), "{named}");
    let moved = [("Name", "live"), ("FunctionVersion", "2")];
    room.on_mine("UpdateAlias", &moved).await.unwrap();
    assert_eq!(room.asked("live").await.0[0], "two");
    room.on_mine("DeleteFunction", &[("Qualifier", "1")]).await.unwrap();
    assert_eq!(room.listed().await, [":$LATEST", ":2"]);
    let gone = refusal(room.on_mine("Invoke", &[("Qualifier", "1")]).await);
    assert_eq!(gone, format!("ResourceNotFoundException: Function not found: {MINE}:1"));
    // Its code goes with the last instance; a number is never given out again.
    while room.shelf() > 2 {
        tokio::task::yield_now().await;
    }
    let next = room.on_mine("PublishVersion", &[]).await.unwrap();
    assert_eq!(next.text("Version"), Some("3"));
    // What a version and $LATEST share stays with the one that is left.
    room.on_mine("DeleteFunction", &[("Qualifier", "3")]).await.unwrap();
    assert_eq!(room.asked("$LATEST").await.0[0], "three");
    room.on_mine("DeleteFunction", &[]).await.unwrap();
    while room.shelf() > 0 {
        tokio::task::yield_now().await;
    }
    room.create("python3.13", "app.handler", &[("app.py", &code("new"))]).await;
    assert_eq!(room.listed().await, [":$LATEST"]);
    let new = room.on_mine("PublishVersion", &[]).await.unwrap();
    assert_eq!(new.text("Version"), Some("1"));
    assert_eq!(room.asked("1").await.0[0], "new");
    room.end().await;
}

pub(crate) async fn events_permissions_and_settings_are_a_versions_own() {
    if !has("python3") {
        return;
    }
    let room = Room::new("lambda").await;
    let fails = "def handler(event, context):\n    raise RuntimeError(context.function_version)\n";
    room.create("python3.13", "app.handler", &[("app.py", fails)]).await;
    room.on_mine("PublishVersion", &[]).await.unwrap();
    let alias = [("Name", "live"), ("FunctionVersion", "1")];
    room.on_mine("CreateAlias", &alias).await.unwrap();
    let live = format!("{MINE}:live");
    for (qualifier, queue) in [("live", "for-live"), ("1", "for-one")] {
        let to = format!("arn:aws:sqs:us-east-2:123456789012:{queue}");
        let failure = Tree::map([("OnFailure", Tree::map([("Destination", text(&to))]))]);
        let settings = Tree::map([
            ("FunctionName", text("mine")),
            ("Qualifier", text(qualifier)),
            ("MaximumRetryAttempts", Tree::Int(0)),
            ("DestinationConfig", failure),
        ]);
        room.call("PutFunctionEventInvokeConfig", settings).await.unwrap();
    }
    room.functions.invoke(&live, "d", Bytes::from("{}")).await.unwrap();
    let queue = "arn:aws:sqs:us-east-2:123456789012:for-live";
    room.desk.until(|desk| !desk.sent(queue).is_empty()).await;
    let told: Value = serde_json::from_str(&room.desk.sent(queue)[0].body).unwrap();
    assert_eq!(told["requestContext"]["functionArn"], live);
    assert_eq!(told["responseContext"]["executedVersion"], "1");
    assert_eq!(told["responsePayload"]["errorMessage"], "1");
    let listed = room.on_mine("ListFunctionEventInvokeConfigs", &[]).await.unwrap();
    assert_eq!(listed.list("FunctionEventInvokeConfigs").len(), 2);
    let permission = [
        ("Qualifier", "live"),
        ("StatementId", "s"),
        ("Action", "lambda:InvokeFunction"),
        ("Principal", "s3.amazonaws.com"),
    ];
    let before = room.on_mine("GetAlias", &[("Name", "live")]).await.unwrap();
    room.on_mine("AddPermission", &permission).await.unwrap();
    let after = room.on_mine("GetAlias", &[("Name", "live")]).await.unwrap();
    assert_ne!(before.text("RevisionId"), after.text("RevisionId"));
    let policy = room.functions.policy_of(&live).unwrap();
    assert!(policy.contains(&format!(r#""Resource":"{live}""#)), "{policy}");
    assert!(room.functions.policy_of(MINE).is_none());
    assert!(room.functions.policy_of(&format!("{MINE}:1")).is_none());
    room.on_mine("DeleteAlias", &[("Name", "live")]).await.unwrap();
    assert!(!room.functions.exists(&live) && room.functions.policy_of(&live).is_none());
    room.end().await;
}

pub(crate) async fn versions_share_what_is_reserved_for_their_function() {
    let room = Room::new("lambda").await;
    room.create("provided", "none", &[("bootstrap", "#!/bin/sh\nsleep 60\n")]).await;
    room.on_mine("PublishVersion", &[]).await.unwrap();
    let reserved =
        Tree::map([("FunctionName", text("mine")), ("ReservedConcurrentExecutions", Tree::Int(1))]);
    room.call("PutFunctionConcurrency", reserved).await.unwrap();
    let first = room.on_mine("Invoke", &[]);
    let second = async {
        // The first one is looked at first; it holds the only place until its time is over.
        loop {
            let refused = room.on_mine("Invoke", &[("Qualifier", "1")]).await.unwrap_err();
            if refused.code == "TooManyRequestsException" {
                return;
            }
        }
    };
    tokio::select! {
        biased;
        ended = first => panic!("{ended:?}"),
        () = second => {}
    }
    room.end().await;
}
