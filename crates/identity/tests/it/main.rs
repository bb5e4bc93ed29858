//! The room alone, over a real store in a temporary directory.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod entities;

use std::{path::Path, sync::Arc};

use flow::{
    AccountId, Caller, Clock as _, Fault, Keys as _, ManualClock, Principal, Request, SeededChance,
    Service as _, Timestamp, Tree,
};
use identity::{Config, Identity};

const START: i64 = 1_795_000_000;

struct World {
    clock: Arc<ManualClock>,
    database: store::Database,
    identity: Identity,
}

async fn world(dir: &Path, seed: u64, start: i64) -> World {
    let clock = Arc::new(ManualClock::new(Timestamp::from_secs(start)));
    let database = store::Database::open(&dir.join("state.db"), &format!("boot-{seed}")).unwrap();
    let config = Config { account: account() };
    let chance = Arc::new(SeededChance::new(seed));
    let identity =
        Identity::open(&database, config, Arc::<ManualClock>::clone(&clock), chance).await.unwrap();
    World { clock, database, identity }
}

fn account() -> AccountId {
    "123456789012".parse().unwrap()
}

impl World {
    fn root(&self) -> Caller {
        self.identity.find(&self.identity.root_key().0).unwrap().caller
    }

    async fn call(&self, caller: Caller, operation: &str, input: Tree) -> Result<Tree, Fault> {
        self.call_of("sts", caller, operation, input).await
    }

    async fn call_of(
        &self,
        service: &str,
        caller: Caller,
        operation: &str,
        input: Tree,
    ) -> Result<Tree, Fault> {
        let request = Request {
            service: service.into(),
            operation: operation.into(),
            input,
            caller,
            region: "us-east-2".parse().unwrap(),
            time: self.clock.now(),
            request_id: "request".into(),
            source_ip: "127.0.0.1".into(),
            endpoint: "http://127.0.0.1:4580".into(),
        };
        self.identity.call(request).await.map(|answer| answer.output)
    }

    async fn session(&self, seconds: i64) -> Tree {
        let input = Tree::map([("DurationSeconds", Tree::Int(seconds))]);
        let output = self.call(self.root(), "GetSessionToken", input).await.unwrap();
        output.get("Credentials").unwrap().clone()
    }
}

#[tokio::test]
async fn the_root_key_is_made_once_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let first = world(dir.path(), 1, START).await;
    let (id, secret) = first.identity.root_key();
    assert!(first.identity.find("AKIAUNKNOWN").is_none());
    assert_eq!(first.root(), Caller::root(account(), id.clone()));
    first.database.close().await;
    let second = world(dir.path(), 2, START).await;
    assert_eq!(second.identity.root_key(), (id, secret));
}

#[tokio::test]
async fn callers_learn_who_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let world = world(dir.path(), 1, START).await;
    let told = world.call(world.root(), "GetCallerIdentity", Tree::Null).await.unwrap();
    assert_eq!(told.text("UserId"), Some("123456789012"));
    assert_eq!(told.text("Account"), Some("123456789012"));
    assert_eq!(told.text("Arn"), Some("arn:aws:iam::123456789012:root"));

    let made = world.identity.issue_role_session("detect", "one", 60_000);
    let caller = world.identity.find(&made.access_key_id).unwrap().caller;
    let told = world.call(caller, "GetCallerIdentity", Tree::Null).await.unwrap();
    assert!(told.text("UserId").unwrap().starts_with("AROA"));
    assert!(told.text("UserId").unwrap().ends_with(":one"));
    assert_eq!(told.text("Arn"), Some("arn:aws:sts::123456789012:assumed-role/detect/one"));
}

#[tokio::test]
async fn a_session_of_the_root_outlives_a_restart_but_not_its_hour() {
    let dir = tempfile::tempdir().unwrap();
    let first = world(dir.path(), 1, START).await;
    // More than an hour was asked, an hour is given.
    let made = first.session(43_200).await;
    let id = made.text("AccessKeyId").unwrap().to_owned();
    let hour = Timestamp::from_secs(START + 3600);
    assert_eq!(made.get("Expiration"), Some(&Tree::Time(hour)));
    first.database.close().await;

    let second = world(dir.path(), 2, START + 10).await;
    let key = second.identity.find(&id).unwrap();
    assert_eq!(key.expires, Some(hour));
    assert_eq!(key.secret.expose(), made.text("SecretAccessKey").unwrap());
    assert_eq!(key.session_token.unwrap().expose(), made.text("SessionToken").unwrap());
    assert_eq!(key.caller.principal, Principal::Root);
    assert_eq!(key.caller.session.unwrap().created, Timestamp::from_secs(START));
    second.clock.advance(3_600_000 + 15 * 60 * 1000);
    second.session(900).await;
    assert!(second.identity.find(&id).is_none());
    second.database.close().await;

    let third = world(dir.path(), 3, START + 7200).await;
    assert!(third.identity.find(&id).is_none());
}

#[tokio::test]
async fn sessions_of_roles_end_with_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let first = world(dir.path(), 1, START).await;
    let made = first.identity.issue_role_session("detect", "one", 60_000);
    assert_eq!(made.expires, Timestamp::from_secs(START + 60));
    assert!(first.identity.find(&made.access_key_id).is_some());
    first.database.close().await;
    let second = world(dir.path(), 2, START).await;
    assert!(second.identity.find(&made.access_key_id).is_none());
}

#[tokio::test]
async fn what_is_not_offered_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let world = world(dir.path(), 1, START).await;
    let made = world.session(900).await;
    let session = world.identity.find(made.text("AccessKeyId").unwrap()).unwrap().caller;
    let mfa = Tree::map([("SerialNumber", Tree::from("arn:aws:iam::123456789012:mfa/me"))]);
    let short = Tree::map([("DurationSeconds", Tree::Int(5))]);
    for (caller, operation, input, code) in [
        (world.root(), "AssumeRoleWithSAML", Tree::Null, "UnsupportedOperation"),
        (session, "GetSessionToken", Tree::Null, "AccessDenied"),
        (world.root(), "GetSessionToken", mfa, "AccessDenied"),
        (world.root(), "GetSessionToken", short, "ValidationError"),
    ] {
        let fault = world.call(caller, operation, input).await.unwrap_err();
        assert_eq!(fault.code, code, "{operation}");
    }
}
