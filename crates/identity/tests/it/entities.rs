//! Users, roles, policies and their sessions, across restarts.

use super::*;

const MAY: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sns:*","Resource":"*"}}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}}"#;
const ROLE: &str = "arn:aws:iam::123456789012:role/ci/build";

impl World {
    /// A call of the root's to IAM with these texts.
    async fn iam(&self, operation: &str, input: &[(&str, &str)]) -> Result<Tree, Fault> {
        let input = Tree::map(input.iter().map(|(name, text)| (*name, Tree::from(*text))));
        self.call_of("iam", self.root(), operation, input).await
    }

    async fn build_role(&self) {
        let role = [("RoleName", "build"), ("Path", "/ci/"), ("AssumeRolePolicyDocument", TRUST)];
        self.iam("CreateRole", &role).await.unwrap();
        let inline = [("RoleName", "build"), ("PolicyName", "may"), ("PolicyDocument", MAY)];
        self.iam("PutRolePolicy", &inline).await.unwrap();
    }

    async fn assume(&self, seconds: i64) -> Result<Tree, Fault> {
        let input = Tree::map([
            ("RoleArn", Tree::from(ROLE)),
            ("RoleSessionName", Tree::from("one")),
            ("DurationSeconds", Tree::Int(seconds)),
        ]);
        self.call(self.root(), "AssumeRole", input).await
    }
}

#[tokio::test]
async fn users_and_their_keys_outlive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = world(dir.path(), 1, START).await;
    let key = first.identity.add_user("ada", Some("ReadOnlyAccess")).await.unwrap();
    first.identity.add_user("bob", Some(MAY)).await.unwrap();
    first.database.close().await;

    let second = world(dir.path(), 2, START).await;
    let caller = second.identity.find(&key.access_key_id).unwrap().caller;
    assert_eq!(caller.arn().as_deref(), Some("arn:aws:iam::123456789012:user/ada"));
    assert_eq!(second.identity.granted(&caller).identity.len(), 1);
    let listed = second.identity.users();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].policies, ["ReadOnlyAccess"]);
    assert_eq!(listed[1].policies, ["trailhound"]);

    let rotated = second.identity.rotate_key("ada").await.unwrap();
    assert!(second.identity.find(&key.access_key_id).is_none());
    assert!(second.identity.find(&rotated.access_key_id).is_some());
    second.identity.disable_user("ada").await.unwrap();
    assert!(second.identity.find(&rotated.access_key_id).is_none());
    assert!(!second.identity.users()[0].keys[0].active);

    for (name, policy, code) in [
        ("Ada", None, "EntityAlreadyExistsException"),
        ("eve", Some("NoSuchPolicy"), "NoSuchEntityException"),
        ("eve", Some("{}"), "MalformedPolicyDocumentException"),
        ("e v e", None, "ValidationError"),
    ] {
        let fault = second.identity.add_user(name, policy).await.unwrap_err();
        assert_eq!(fault.code, code, "{name}");
    }
    let fault = second.identity.rotate_key("nobody").await.unwrap_err();
    assert_eq!(fault.code, "NoSuchEntityException");
}

#[tokio::test]
async fn a_session_of_a_role_outlives_a_restart_and_not_the_role() {
    let dir = tempfile::tempdir().unwrap();
    let first = world(dir.path(), 1, START).await;
    first.build_role().await;
    let made = first.assume(900).await.unwrap();
    let id = made.get("Credentials").unwrap().text("AccessKeyId").unwrap().to_owned();
    let arn = "arn:aws:sts::123456789012:assumed-role/build/one";
    assert_eq!(made.get("AssumedRoleUser").unwrap().text("Arn"), Some(arn));
    assert_eq!(first.assume(3_601).await.unwrap_err().code, "ValidationError");
    first.database.close().await;

    let second = world(dir.path(), 2, START + 10).await;
    let key = second.identity.find(&id).unwrap();
    assert_eq!(key.expires, Some(Timestamp::from_secs(START + 900)));
    assert_eq!(key.caller.arn().as_deref(), Some(arn));
    assert_eq!(second.identity.granted(&key.caller).identity.len(), 1);
    assert!(second.identity.trust_of(ROLE).is_some());
    assert!(second.identity.trust_of("arn:aws:iam::123456789012:role/build").is_none());

    let chained = Tree::map([
        ("RoleArn", Tree::from(ROLE)),
        ("RoleSessionName", Tree::from("two")),
        ("DurationSeconds", Tree::Int(3_601)),
    ]);
    let fault = second.call(key.caller.clone(), "AssumeRole", chained).await.unwrap_err();
    assert!(fault.message.contains("role chaining"), "{fault}");

    let inline = [("RoleName", "build"), ("PolicyName", "may")];
    second.iam("DeleteRolePolicy", &inline).await.unwrap();
    second.iam("DeleteRole", &[("RoleName", "build")]).await.unwrap();
    second.build_role().await;
    // Another role under the same name: the old session has nothing of it.
    assert!(second.identity.granted(&key.caller).identity.is_empty());
}

#[tokio::test]
async fn a_session_of_a_user_ends_with_the_user() {
    let dir = tempfile::tempdir().unwrap();
    let world = world(dir.path(), 1, START).await;
    let key = world.identity.add_user("ada", Some(MAY)).await.unwrap();
    let ada = world.identity.find(&key.access_key_id).unwrap().caller;
    let made = world.call(ada, "GetSessionToken", Tree::Null).await.unwrap();
    let id = made.get("Credentials").unwrap().text("AccessKeyId").unwrap().to_owned();
    let caller = world.identity.find(&id).unwrap().caller;
    assert_eq!(world.identity.granted(&caller).identity.len(), 1);
    let fault = world.call_of("iam", caller, "ListUsers", Tree::Null).await.unwrap_err();
    assert_eq!(fault.code, "InvalidClientTokenId");
    let listed = [("UserName", "ada"), ("AccessKeyId", key.access_key_id.as_str())];
    world.iam("DeleteAccessKey", &listed).await.unwrap();
    world
        .iam("DeleteUserPolicy", &[("UserName", "ada"), ("PolicyName", "trailhound")])
        .await
        .unwrap();
    world.iam("DeleteUser", &[("UserName", "ada")]).await.unwrap();
    assert!(world.identity.find(&id).is_none());
}

#[tokio::test]
async fn documents_are_answered_encoded_and_a_role_that_is_there_stays() {
    let dir = tempfile::tempdir().unwrap();
    let world = world(dir.path(), 1, START).await;
    world.build_role().await;
    let named = [("RoleName", "build"), ("PolicyName", "may")];
    let told = world.iam("GetRolePolicy", &named).await.unwrap();
    let document = told.text("PolicyDocument").unwrap();
    assert!(document.starts_with("%7B%22Version%22%3A%222012-10-17%22"), "{document}");
    world.identity.ensure_role("build", "lambda.amazonaws.com", ("p", MAY)).await.unwrap();
    assert_eq!(world.identity.role_arn("build").as_deref(), Some(ROLE));
}

#[tokio::test]
async fn a_group_s_policies_are_its_users_and_outlive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = world(dir.path(), 1, START).await;
    let key = first.identity.add_user("ada", None).await.unwrap();
    let group = [("GroupName", "ops"), ("Path", "/team/")];
    let made = first.iam("CreateGroup", &group).await.unwrap();
    let arn = "arn:aws:iam::123456789012:group/team/ops";
    assert_eq!(made.get("Group").and_then(|group| group.text("Arn")), Some(arn));
    let again = first.iam("CreateGroup", &[("GroupName", "OPS")]).await.unwrap_err();
    assert_eq!(again.code, "EntityAlreadyExistsException");
    let inline = [("GroupName", "ops"), ("PolicyName", "may"), ("PolicyDocument", MAY)];
    first.iam("PutGroupPolicy", &inline).await.unwrap();
    let basic = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    first.iam("AttachGroupPolicy", &[("GroupName", "ops"), ("PolicyArn", basic)]).await.unwrap();
    let granted = |world: &World| {
        let caller = world.identity.find(&key.access_key_id).unwrap().caller;
        world.identity.granted(&caller).identity.len()
    };
    assert_eq!(granted(&first), 0);
    let member = [("GroupName", "ops"), ("UserName", "ada")];
    first.iam("AddUserToGroup", &member).await.unwrap();
    first.iam("AddUserToGroup", &member).await.unwrap();
    assert_eq!(granted(&first), 2);
    first.database.close().await;

    let second = world(dir.path(), 2, START).await;
    assert_eq!(granted(&second), 2);
    let without = "arn:aws:iam::123456789012:group/ops";
    assert_eq!(second.identity.with_path(without).as_deref(), Some(arn));
    let keyed = [("UserName", "ada"), ("AccessKeyId", key.access_key_id.as_str())];
    second.iam("DeleteAccessKey", &keyed).await.unwrap();
    for (operation, input) in
        [("DeleteUser", [("UserName", "ada")]), ("DeleteGroup", [("GroupName", "ops")])]
    {
        let fault = second.iam(operation, &input).await.unwrap_err();
        assert_eq!(fault.code, "DeleteConflictException", "{operation}: {fault}");
    }
    second.iam("RemoveUserFromGroup", &member).await.unwrap();
    let fault = second.iam("RemoveUserFromGroup", &member).await.unwrap_err();
    assert_eq!(fault.code, "NoSuchEntityException");
    second.iam("DeleteUser", &[("UserName", "ada")]).await.unwrap();
    let fault = second.iam("DeleteGroup", &[("GroupName", "ops")]).await.unwrap_err();
    assert!(fault.message.contains("policies"), "{fault}");
    for (operation, member, value) in
        [("DetachGroupPolicy", "PolicyArn", basic), ("DeleteGroupPolicy", "PolicyName", "may")]
    {
        second.iam(operation, &[("GroupName", "ops"), (member, value)]).await.unwrap();
    }
    second.iam("DeleteGroup", &[("GroupName", "ops")]).await.unwrap();
    second.iam("AddUserToGroup", &member).await.unwrap_err();
}

#[tokio::test]
async fn tags_of_users_are_one_in_either_case_and_those_of_policies_two() {
    let dir = tempfile::tempdir().unwrap();
    let world = world(dir.path(), 1, START).await;
    let tagged = |member, name: &str, keys: &[&str]| {
        let tag = |key: &&str| Tree::map([("Key", Tree::from(*key)), ("Value", Tree::from("x"))]);
        let tags = Tree::List(keys.iter().map(tag).collect());
        Tree::map([(member, Tree::from(name)), ("PolicyDocument", Tree::from(MAY)), ("Tags", tags)])
    };
    let call =
        async |operation: &str, input| world.call_of("iam", world.root(), operation, input).await;
    let refused = async |input| call("CreateUser", input).await.unwrap_err();
    let twice = refused(tagged("UserName", "ada", &["Team", "team"])).await;
    assert_eq!(twice.code, "InvalidInputException");
    call("CreatePolicy", tagged("PolicyName", "may", &["Team", "team"])).await.unwrap();

    call("CreateUser", tagged("UserName", "ada", &["Team", "cost"])).await.unwrap();
    call("TagUser", tagged("UserName", "ada", &["TEAM"])).await.unwrap();
    let keys = async || {
        let shown = world.iam("ListUserTags", &[("UserName", "ada")]).await.unwrap();
        let text = |tag: &Tree| tag.text("Key").unwrap().to_owned();
        shown.list("Tags").iter().map(text).collect::<Vec<_>>()
    };
    assert_eq!(keys().await, ["TEAM", "cost"]);
    let gone = Tree::map([
        ("UserName", Tree::from("ada")),
        ("TagKeys", Tree::List(vec![Tree::from("Cost")])),
    ]);
    call("UntagUser", gone).await.unwrap();
    assert_eq!(keys().await, ["TEAM"]);

    for (key, place) in [
        ("", "tags.1.member.key"),
        ("aws:team", "tags.1.member.key"),
        ("no!", "regular expression"),
        (&"k".repeat(129), "less than or equal to 128"),
    ] {
        let fault = refused(tagged("UserName", "bob", &[key])).await;
        assert_eq!(fault.code, "ValidationError", "{key}");
        assert!(fault.message.contains(place), "{}", fault.message);
    }
}
