//! Cases that others have labelled, read in place where they are at hand: a record, and whether a
//! detection of that name should tell of it.
//!
//! A detection is judged by the shipped rules that watch for the same; what our rules say otherwise
//! than the label is listed with its reason, and nothing else may differ.

use std::collections::{BTreeMap, BTreeSet};

use rule::{Rule, RuleSet};
use serde_json::Value;

/// The least share of the cases with a counterpart that is judged as labelled, in percent.
const AGREED_MIN: usize = 92;

/// Each detection and the shipped rules that watch for the same. Those not named have none: they
/// ask what is no matter for a rule over one record (an unused region, an address of the cloud),
/// what every account does all day (descriptions, functions deleted), or lists of one's own.
const COUNTERPARTS: &[(&str, &[&str])] = &[
    ("AWS.Bedrock.DeleteModelInvocationLoggingConfiguration", &["model_logging_off"]),
    (
        "AWS.CloudTrail.AMIModifiedForPublicAccess",
        &["snapshot_made_public", "snapshot_shared_with_account"],
    ),
    ("AWS.CloudTrail.CodebuildProjectMadePublic", &["code_or_document_made_public"]),
    ("AWS.CloudTrail.DNSLogsDeleted", &["dns_query_logs_deleted"]),
    ("AWS.CloudTrail.EnableRegion", &["region_enabled"]),
    ("AWS.CloudTrail.EventSelectorsDisabled", &["cloudtrail_selectors_narrowed"]),
    ("AWS.CloudTrail.IAMAnythingChanged", &["iam_policy_changed"]),
    ("AWS.CloudTrail.IAMCompromisedKeyQuarantine", &["leaked_key_quarantined"]),
    ("AWS.CloudTrail.IAMEntityCreatedWithoutCloudFormation", &["iam_user_created"]),
    ("AWS.CloudTrail.LoginProfileCreatedOrModified", &["console_password_for_another_user"]),
    (
        "AWS.CloudTrail.SecurityConfigurationChange",
        &[
            "cloudtrail_logging_stopped",
            "eventbridge_rule_disabled",
            "guardduty_disabled",
            "vpc_flow_logs_deleted",
        ],
    ),
    ("AWS.CloudTrail.ShortLifecycle", &["log_bucket_expires_quickly"]),
    ("AWS.CloudTrail.Stopped", &["cloudtrail_logging_stopped"]),
    ("AWS.CloudTrail.UnauthorizedAPICall", &["sensitive_call_denied"]),
    ("AWS.ConfigService.Created", &["config_recording_changed"]),
    ("AWS.ConfigService.DisabledDeleted", &["config_recorder_stopped"]),
    ("AWS.Console.LoginWithoutMFA", &["console_login_without_mfa", "root_console_login"]),
    ("AWS.Console.RootLogin", &["root_console_login"]),
    ("AWS.Console.RootLoginFailed", &["console_login_failed"]),
    ("AWS.EC2.LaunchUnusualEC2Instances", &["accelerated_instances_started"]),
    ("AWS.EC2.NetworkACLModified", &["network_acl_changed"]),
    ("AWS.EC2.Startup.Script.Change", &["instance_start_script_changed"]),
    ("AWS.EC2.Traffic.Mirroring", &["traffic_mirrored"]),
    ("AWS.IAM.AttachAdminRolePolicy", &["administrator_policy_attached"]),
    ("AWS.IAM.AttachAdminUserPolicy", &["administrator_policy_attached"]),
    ("AWS.IAM.Backdoor.User.Keys", &["access_key_for_another_user"]),
    ("AWS.IAM.CreateUser", &["iam_user_created"]),
    ("AWS.IAM.PolicyModified", &["iam_policy_changed"]),
    ("AWS.KMS.CustomerManagedKeyLoss", &["kms_key_disabled"]),
    ("AWS.Lambda.UpdateFunctionCode", &["function_code_replaced_by_person"]),
    ("AWS.Lambda.UpdateFunctionConfiguration", &["function_layer_added_by_person"]),
    ("AWS.RDS.ActivityStreamStopped", &["database_audit_stopped"]),
    ("AWS.RDS.DeletionProtectionDisabled", &["deletion_protection_off"]),
    ("AWS.RDS.IAMRoleAdded", &["role_passed_to_data_service"]),
    ("AWS.RDS.InstanceDeletion", &["database_deleted_without_snapshot"]),
    ("AWS.RDS.InstanceMadePublic", &["database_made_public"]),
    ("AWS.Root.Activity", &["root_console_login", "root_user_used"]),
    ("AWS.S3.BucketDeleted", &["s3_bucket_deleted"]),
    ("AWS.S3.CopyObject.CrossAccount.Encryption.KMS", &["objects_locked_under_foreign_key"]),
    ("AWS.S3.DeleteBucketEncryption", &["encryption_by_default_off"]),
    ("AWS.S3.DeletePublicAccessBlock", &["s3_public_access_block_loosened"]),
    ("AWS.S3.DisableBucketLogging", &["s3_access_logging_off"]),
    ("AWS.S3.SecurityControlDisabling", &["bucket_versioning_suspended", "s3_access_logging_off"]),
    ("AWS.S3.SuspendVersioning", &["bucket_versioning_suspended"]),
    ("AWS.SSM.DecryptSSMParams", &["parameters_read_in_bulk"]),
    ("AWS.STS.GetCallerIdentity.TruffleHog", &["key_tried_by_scanner"]),
    ("AWS.STS.GetSessionToken.Misuse", &["session_token_without_mfa"]),
    ("AWS.SecretsManager.BatchRetrieveSecrets", &["secrets_read_in_bulk"]),
    ("AWS.SecretsManager.RetrieveSecretsMultiRegion", &["secrets_read_in_bulk"]),
    ("AWS.SecurityHub.Finding.Evasion", &["security_hub_findings_hidden"]),
    ("AWS.Unsuccessful.MFA.attempt", &["console_login_failed"]),
    ("AWS.User.Login.Profile.Modified", &["console_password_for_another_user"]),
    ("AWS.WAF.Disassociation", &["web_acl_removed"]),
    ("Standard.BruteForceByIP", &["console_login_failed"]),
    ("Standard.BruteForceByUser", &["console_login_failed"]),
    ("Standard.NewAWSAccountCreated", &["organization_changed"]),
];

/// Where our rules say otherwise, and why: detection, case, reason.
const OTHERWISE: &[(&str, &str, &str)] = &[
    (
        "AWS.CloudTrail.AMIModifiedForPublicAccess",
        "AMI Added to User",
        "it has a list of accounts that one trusts",
    ),
    (
        "AWS.CloudTrail.EnableRegion",
        "EnableRegion",
        "the record's source is CloudTrail's; Account Management makes that call",
    ),
    (
        "AWS.CloudTrail.IAMAnythingChanged",
        "IAM Change",
        "what CloudFormation changes is planned, and left out",
    ),
    (
        "AWS.CloudTrail.UnauthorizedAPICall",
        "Unauthorized API Call from Within AWS (IP)",
        "any refused call counts towards twenty there; ours tells of the first, if it is administrative",
    ),
    ("AWS.Console.LoginWithoutMFA", "No MFA Login - New User", "it remembers new users for a day"),
    (
        "AWS.EC2.LaunchUnusualEC2Instances",
        "Successful Unusual EC2",
        "what scaling starts by itself is left out",
    ),
    (
        "AWS.EC2.LaunchUnusualEC2Instances",
        "Successful Unusual EC2 (Dictionary)",
        "what scaling starts by itself is left out",
    ),
    (
        "AWS.Lambda.UpdateFunctionConfiguration",
        "FederatedUser Updates Lambda Configuration with Layers",
        "the answer names the layers, whoever set them; ours asks for them in the request",
    ),
    (
        "AWS.Lambda.UpdateFunctionConfiguration",
        "IAM User Updates Lambda Configuration with Layers",
        "as above",
    ),
    (
        "AWS.Lambda.UpdateFunctionConfiguration",
        "SSO AssumedRole Updates Lambda Configuration with Layers",
        "as above",
    ),
    ("AWS.RDS.InstanceDeletion", "RDS Cluster Deleted", "a last snapshot is kept"),
    (
        "AWS.RDS.InstanceDeletion",
        "RDS Instance Deleted With Final Snapshot",
        "a last snapshot is kept",
    ),
    (
        "AWS.S3.BucketDeleted",
        "An S3 Bucket was deleted",
        "the record has an empty error code, which CloudTrail never writes",
    ),
    (
        "AWS.SSM.DecryptSSMParams",
        "Multiple Secrets Accessed in Same Event With Prior Cached Parameters",
        "it counts over many records",
    ),
    (
        "AWS.SSM.DecryptSSMParams",
        "Single Secret Accessed in Single Event",
        "it counts over many records",
    ),
    (
        "Standard.NewAWSAccountCreated",
        "AWS Account created",
        "the result follows the call, of which we tell",
    ),
];

/// The shipped rules by their files' names, without the ending.
fn shipped(rules: &RuleSet) -> BTreeMap<&str, &Rule> {
    rules.rules().filter_map(|rule| Some((rule.file().strip_suffix(".yml")?, rule))).collect()
}

#[test]
fn every_counterpart_is_a_shipped_rule() {
    let rules = RuleSet::shipped();
    let known = shipped(&rules);
    for (detection, files) in COUNTERPARTS {
        for file in *files {
            assert!(known.contains_key(file), "{detection}: there is no rule {file}");
        }
    }
}

#[test]
fn labelled_cases_are_judged_as_labelled_but_for_those_listed() {
    let Some(path) = crate::sigmahq::shared("detection_cases.ndjson") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let rules = RuleSet::shipped();
    let known = shipped(&rules);
    let counterparts: BTreeMap<&str, &[&str]> = COUNTERPARTS.iter().copied().collect();
    let (mut judged, mut seen, mut otherwise) = (0, BTreeSet::new(), BTreeSet::new());
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let detection = case["rule_id"].as_str().unwrap();
        let Some((detection, files)) = counterparts.get_key_value(detection) else { continue };
        let told = files.iter().any(|file| known[file].holds(&case["log"]));
        judged += 1;
        seen.insert(*detection);
        if told != case["expected_result"].as_bool().unwrap() {
            otherwise.insert((*detection, case["test_name"].as_str().unwrap().to_owned()));
        }
    }
    let agreed = judged - otherwise.len();
    eprintln!("{agreed} of {judged} cases of {} detections judged as labelled", seen.len());
    let listed: BTreeSet<_> =
        OTHERWISE.iter().map(|(d, case, _)| (*d, (*case).to_owned())).collect();
    assert_eq!(otherwise, listed);
    assert_eq!(seen, counterparts.keys().copied().collect());
    assert!(agreed * 100 >= judged * AGREED_MIN, "{agreed} of {judged}");
}
