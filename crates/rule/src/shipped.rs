//! The rules that come with Trailhound, compiled in.

macro_rules! source {
    ($name:literal) => {
        ($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/", $name)))
    };
}

/// Each rule file and the file of its records, by name; a test compares the list with the folder.
const SOURCES: &[(&str, &str)] = &[
    source!("access_key_for_another_user.yml"),
    source!("access_key_for_another_user.test.yml"),
    source!("administrator_policy_attached.yml"),
    source!("administrator_policy_attached.test.yml"),
    source!("cloudtrail_logging_stopped.yml"),
    source!("cloudtrail_logging_stopped.test.yml"),
    source!("cloudtrail_trail_changed.yml"),
    source!("cloudtrail_trail_changed.test.yml"),
    source!("config_recorder_stopped.yml"),
    source!("config_recorder_stopped.test.yml"),
    source!("console_login_failed.yml"),
    source!("console_login_failed.test.yml"),
    source!("console_login_without_mfa.yml"),
    source!("console_login_without_mfa.test.yml"),
    source!("guardduty_disabled.yml"),
    source!("guardduty_disabled.test.yml"),
    source!("iam_user_created.yml"),
    source!("iam_user_created.test.yml"),
    source!("kms_key_disabled.yml"),
    source!("kms_key_disabled.test.yml"),
    source!("lambda_function_made_public.yml"),
    source!("lambda_function_made_public.test.yml"),
    source!("mfa_device_removed.yml"),
    source!("mfa_device_removed.test.yml"),
    source!("role_trusts_everyone.yml"),
    source!("role_trusts_everyone.test.yml"),
    source!("root_access_key_created.yml"),
    source!("root_access_key_created.test.yml"),
    source!("root_console_login.yml"),
    source!("root_console_login.test.yml"),
    source!("s3_bucket_deleted.yml"),
    source!("s3_bucket_deleted.test.yml"),
    source!("s3_bucket_made_public.yml"),
    source!("s3_bucket_made_public.test.yml"),
    source!("s3_public_access_block_loosened.yml"),
    source!("s3_public_access_block_loosened.test.yml"),
    source!("security_group_open_to_world.yml"),
    source!("security_group_open_to_world.test.yml"),
    source!("snapshot_made_public.yml"),
    source!("snapshot_made_public.test.yml"),
    source!("sns_topic_created.yml"),
    source!("sns_topic_created.test.yml"),
    source!("vpc_flow_logs_deleted.yml"),
    source!("vpc_flow_logs_deleted.test.yml"),
];

/// The shipped files as `(name, text)`: rules `x.yml` and their records `x.test.yml`.
pub fn sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    SOURCES.iter().copied()
}
