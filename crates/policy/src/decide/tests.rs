//! Decisions as AWS's user guide explains them ("policy evaluation logic").

use super::*;
use crate::Kind;

const ADA: Asker<'_> =
    Asker::User { account: "123456789012", arn: "arn:aws:iam::123456789012:user/ada" };
const BUILD: Asker<'_> = Asker::Session {
    account: "123456789012",
    role_arn: "arn:aws:iam::123456789012:role/ci/build",
    arn: "arn:aws:sts::123456789012:assumed-role/build/one",
};
const ROOT: Asker<'_> = Asker::Root { account: "123456789012" };
const STRANGER: Asker<'_> =
    Asker::User { account: "111122223333", arn: "arn:aws:iam::111122223333:user/eve" };
const S3: Asker<'_> = Asker::Service("s3.amazonaws.com");

const ALL: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
const READ: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b/*"}}"#;
const NONE: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
const OTHER: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sns:*","Resource":"*"}}"#;

fn identity(text: &str) -> Arc<Policy> {
    Arc::new(Policy::parse(text, Kind::Identity).unwrap())
}

/// A resource's policy that says `effect` to `principal`.
fn resource(effect: &str, principal: &str) -> Policy {
    let text = format!(
        r#"{{"Statement":[{{"Effect":"{effect}","Principal":{principal},"Action":"s3:*","Resource":"arn:aws:s3:::b/*"}}]}}"#
    );
    Policy::parse(&text, Kind::Resource).unwrap()
}

struct Case<'a> {
    asker: Asker<'a>,
    identity: &'a [&'a str],
    boundary: Option<&'a str>,
    session: Option<&'a [&'a str]>,
    resource: Option<(&'a str, &'a str)>,
}

const BARE: Case<'_> =
    Case { asker: ADA, identity: &[], boundary: None, session: None, resource: None };

fn check(case: &Case<'_>, expected: Verdict) {
    let own: Vec<_> = case.identity.iter().map(|text| identity(text)).collect();
    let boundary = case.boundary.map(identity);
    let session: Option<Vec<_>> =
        case.session.map(|all| all.iter().map(|text| identity(text)).collect());
    let on_resource = case.resource.map(|(effect, principal)| resource(effect, principal));
    let policies = Policies {
        identity: &own,
        boundary: boundary.as_deref(),
        session: session.as_deref(),
        resource: on_resource.as_ref(),
        trust: None,
    };
    let context = Context::default();
    let owner = Some("123456789012");
    let action = "s3:GetObject";
    let found = decide(&case.asker, action, "arn:aws:s3:::b/k", owner, &context, &policies);
    assert_eq!(found, expected, "{:?} {:?}", case.asker, case.resource);
}

const ANYBODY: &str = r#""*""#;
const ACCOUNT: &str = r#"{"AWS":"123456789012"}"#;
const THE_ROLE: &str = r#"{"AWS":"arn:aws:iam::123456789012:role/ci/build"}"#;
const THE_SESSION: &str = r#"{"AWS":"arn:aws:sts::123456789012:assumed-role/build/one"}"#;
const THE_SERVICE: &str = r#"{"Service":"s3.amazonaws.com"}"#;

#[test]
fn what_nothing_allows_is_denied() {
    check(&BARE, Verdict::NotAllowed(By::Identity));
    check(&Case { identity: &[OTHER], ..BARE }, Verdict::NotAllowed(By::Identity));
    check(&Case { asker: S3, ..BARE }, Verdict::NotAllowed(By::Resource));
    check(&Case { asker: Asker::Anonymous, ..BARE }, Verdict::NotAllowed(By::Resource));
}

#[test]
fn an_explicit_denial_comes_before_all_that_allows() {
    let deny = Verdict::Denied;
    check(&Case { identity: &[ALL, NONE], ..BARE }, deny(By::Identity));
    check(&Case { identity: &[ALL], boundary: Some(NONE), ..BARE }, deny(By::Boundary));
    check(&Case { identity: &[ALL], session: Some(&[ALL, NONE]), ..BARE }, deny(By::Session));
    let denied = Some(("Deny", ANYBODY));
    check(&Case { identity: &[ALL], resource: denied, ..BARE }, deny(By::Resource));
    check(&Case { asker: ROOT, resource: denied, ..BARE }, deny(By::Resource));
    check(&Case { asker: ROOT, resource: Some(("Deny", ACCOUNT)), ..BARE }, deny(By::Resource));
}

#[test]
fn within_an_account_either_side_may_allow() {
    check(&Case { identity: &[READ], ..BARE }, Verdict::Allowed);
    check(&Case { resource: Some(("Allow", ANYBODY)), ..BARE }, Verdict::Allowed);
    // The account's own policies say which of its users are meant.
    let delegated = Some(("Allow", ACCOUNT));
    check(&Case { resource: delegated, ..BARE }, Verdict::NotAllowed(By::Identity));
    check(&Case { asker: ROOT, ..BARE }, Verdict::Allowed);
    check(&Case { asker: S3, resource: Some(("Allow", THE_SERVICE)), ..BARE }, Verdict::Allowed);
    let none = Verdict::NotAllowed(By::Resource);
    check(&Case { asker: S3, resource: Some(("Allow", ACCOUNT)), ..BARE }, none);
}

#[test]
fn of_another_account_both_sides_must_allow() {
    let (asker, open) = (STRANGER, Some(("Allow", ANYBODY)));
    check(&Case { asker, identity: &[ALL], ..BARE }, Verdict::NotAllowed(By::Resource));
    check(&Case { asker, resource: open, ..BARE }, Verdict::NotAllowed(By::Identity));
    check(&Case { asker, identity: &[ALL], resource: open, ..BARE }, Verdict::Allowed);
    let root = Asker::Root { account: "111122223333" };
    check(&Case { asker: root, ..BARE }, Verdict::NotAllowed(By::Resource));
    check(&Case { asker: root, resource: open, ..BARE }, Verdict::Allowed);
}

#[test]
fn boundaries_and_session_policies_bound_what_others_allow() {
    let no = Verdict::NotAllowed;
    check(&Case { identity: &[ALL], boundary: Some(OTHER), ..BARE }, no(By::Boundary));
    check(&Case { identity: &[ALL], boundary: Some(READ), ..BARE }, Verdict::Allowed);
    check(&Case { boundary: Some(ALL), ..BARE }, no(By::Identity));
    let session = Case { asker: BUILD, identity: &[ALL], ..BARE };
    check(&Case { session: Some(&[OTHER]), ..session }, no(By::Session));
    let session = Case { asker: BUILD, identity: &[ALL], ..BARE };
    check(&Case { session: Some(&[OTHER, READ]), ..session }, Verdict::Allowed);
    // A policy that names the role is bounded, one that names the session is not.
    let bounded = Case { asker: BUILD, session: Some(&[OTHER]), ..BARE };
    check(&Case { resource: Some(("Allow", THE_ROLE)), ..bounded }, no(By::Session));
    let bounded = Case { asker: BUILD, session: Some(&[OTHER]), ..BARE };
    check(&Case { resource: Some(("Allow", THE_SESSION)), ..bounded }, Verdict::Allowed);
}

#[test]
fn a_role_is_assumed_only_as_its_own_policy_says() {
    let trust = |principal: &str| {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole","Condition":{{"StringEqualsIfExists":{{"sts:ExternalId":"seven"}}}}}}]}}"#
        );
        Policy::parse(&text, Kind::Trust).unwrap()
    };
    let ask = |asker: Asker<'_>, principal: &str, own: &[&str], external: Option<&str>| {
        let own: Vec<_> = own.iter().map(|text| identity(text)).collect();
        let (trust, mut context) = (trust(principal), Context::default());
        if let Some(id) = external {
            context.add("sts:ExternalId", id.to_owned());
        }
        let policies = Policies { identity: &own, trust: Some(&trust), ..Policies::default() };
        let (role, owner) = ("arn:aws:iam::123456789012:role/deploy", Some("123456789012"));
        decide(&asker, "sts:AssumeRole", role, owner, &context, &policies)
    };
    let ada = r#"{"AWS":"arn:aws:iam::123456789012:user/ada"}"#;
    assert_eq!(ask(ADA, ada, &[], None), Verdict::Allowed);
    assert_eq!(ask(ADA, ada, &[], Some("eight")), Verdict::NotAllowed(By::Trust));
    assert_eq!(ask(ADA, ACCOUNT, &[], Some("seven")), Verdict::NotAllowed(By::Identity));
    assert_eq!(ask(ADA, ACCOUNT, &[ALL], Some("seven")), Verdict::Allowed);
    assert_eq!(ask(ADA, ada, &[NONE], None), Verdict::Denied(By::Identity));
    assert_eq!(ask(ADA, THE_SERVICE, &[ALL], None), Verdict::NotAllowed(By::Trust));
    assert_eq!(ask(S3, THE_SERVICE, &[], None), Verdict::Allowed);
    assert_eq!(ask(ROOT, THE_SERVICE, &[], None), Verdict::NotAllowed(By::Trust));
    assert_eq!(ask(ROOT, ACCOUNT, &[], None), Verdict::Allowed);
}

#[test]
fn all_but_those_named_are_all_but_those_named() {
    let text = r#"{"Statement":[{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:user/ada"},"NotAction":"s3:ListBucket","NotResource":"arn:aws:s3:::b/open/*"}]}"#;
    let policy = Policy::parse(text, Kind::Resource).unwrap();
    let context = Context::default();
    let says = |asker, action, resource| {
        policy.says(&asker, &Question { action, resource, context: &context })
    };
    assert_eq!(says(ADA, "s3:GetObject", "arn:aws:s3:::b/k"), Says::Nothing);
    assert_eq!(says(BUILD, "s3:GetObject", "arn:aws:s3:::b/k"), Says::Deny);
    assert_eq!(says(BUILD, "S3:listbucket", "arn:aws:s3:::b/k"), Says::Nothing);
    assert_eq!(says(BUILD, "s3:GetObject", "arn:aws:s3:::b/open/k"), Says::Nothing);
}

#[test]
fn denials_are_told_in_the_words_of_aws() {
    let told =
        |verdict: Verdict, asker, resource| match verdict.decision(&asker, "sns:Publish", resource)
        {
            Decision::Denied(message) => message,
            Decision::Allowed => panic!("it is a denial"),
        };
    let topic = "arn:aws:sns:us-east-2:123456789012:t";
    assert_eq!(
        told(Verdict::NotAllowed(By::Identity), ADA, topic),
        "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: sns:Publish on resource: arn:aws:sns:us-east-2:123456789012:t because no identity-based policy allows the sns:Publish action"
    );
    let told = told(Verdict::Denied(By::Identity), BUILD, "arn:aws:s3:::b/k");
    assert!(told.contains("assumed-role/build/one is not authorized"), "{told}");
    assert!(told.contains(r#"on resource: "arn:aws:s3:::b/k" with"#), "{told}");
    assert!(told.ends_with("with an explicit deny in an identity-based policy"), "{told}");
}
