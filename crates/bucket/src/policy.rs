//! Buckets' policies, and who is kept out in spite of them (public access block).

mod public;

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

use flow::AccountId;
use policy::{Document, Kind, Policy};
use s3s::dto::{
    DeleteBucketPolicyInput, DeleteBucketPolicyOutput, DeletePublicAccessBlockInput,
    DeletePublicAccessBlockOutput, GetBucketPolicyInput, GetBucketPolicyOutput,
    GetBucketPolicyStatusInput, GetBucketPolicyStatusOutput, GetPublicAccessBlockInput,
    GetPublicAccessBlockOutput, PolicyStatus, PublicAccessBlockConfiguration, PutBucketPolicyInput,
    PutBucketPolicyOutput, PutPublicAccessBlockInput, PutPublicAccessBlockOutput,
};
use serde_json::Value;

use self::public::is_public;
use crate::{
    index,
    refusal::Refusal,
    room::{Call, Change, Room},
};

/// The longest policy, in bytes (S3's limit).
const POLICY_BYTES_MAX: usize = 20 * 1024;

/// The names of the settings.
const POLICY: &str = "policy";
const BLOCK: &str = "public_access_block";

/// Who is kept out. ACLs are not offered, so that only policies can let anybody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Block {
    acls: bool,
    ignore_acls: bool,
    policy: bool,
    restrict: bool,
    /// Whether it was taken away rather than set.
    gone: bool,
}

impl Block {
    /// That of a new bucket.
    const NEW: Self =
        Self { acls: true, ignore_acls: true, policy: true, restrict: true, gone: false };
    const GONE: Self =
        Self { acls: false, ignore_acls: false, policy: false, restrict: false, gone: true };
}

/// The policies that hold, by bucket: whoever asks for one does not wait.
#[derive(Default)]
pub(crate) struct Effective(RwLock<HashMap<String, Arc<str>>>);

impl Effective {
    pub(crate) fn of(&self, bucket: &str) -> Option<Arc<str>> {
        self.0.read().expect("no holder panics").get(bucket).cloned()
    }

    pub(crate) fn forget(&self, bucket: &str) {
        self.0.write().expect("no holder panics").remove(bucket);
    }

    fn set(&self, bucket: String, text: Option<String>) {
        let mut all = self.0.write().expect("no holder panics");
        match text {
            Some(text) => all.insert(bucket, text.into()),
            None => all.remove(&bucket),
        };
    }
}

/// The policy and the block of a bucket.
fn kept(index: &rusqlite::Connection, bucket: &str) -> rusqlite::Result<(Option<String>, Block)> {
    let read = |text: String| serde_json::from_str::<String>(&text).ok();
    let policy = index::setting::find(index, bucket, POLICY)?.and_then(read);
    let block = index::setting::find(index, bucket, BLOCK)?;
    let block = block.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Block::NEW);
    Ok((policy, block))
}

/// The policy as it holds.
fn effective(text: String, block: Block, account: &AccountId) -> String {
    if block.restrict && is_public(&text) { public::restricted(&text, account) } else { text }
}

fn check(text: &str, bucket: &str) -> Result<(), Refusal> {
    let malformed = |why: String| Refusal::new("MalformedPolicy", 400, why);
    if text.len() > POLICY_BYTES_MAX {
        return Err(malformed("Policies have at most 20 KB".to_owned()));
    }
    Policy::parse(text, Kind::Resource).map_err(|why| malformed(why.to_string()))?;
    let policy = Document::of(text)
        .ok_or_else(|| malformed("This policy contains invalid Json".to_owned()))?;
    let arn = format!("arn:aws:s3:::{bucket}");
    for statement in &policy.statements {
        let resources = match statement.get("Resource") {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => continue,
        };
        let ours = |resource: &str| {
            resource.strip_prefix(arn.as_str()).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('/') || rest.starts_with('*')
            })
        };
        if !resources.iter().all(|resource| ours(resource)) {
            return Err(malformed("Policy has invalid resource".to_owned()));
        }
    }
    Ok(())
}

impl Room {
    /// Reads all policies as they hold.
    pub(crate) async fn read_policies(&self) -> Result<(), store::Error> {
        let read = |index: &rusqlite::Connection| {
            let names = index::setting::all(index, POLICY)?;
            names.into_iter().map(|(name, _)| Ok((kept(index, &name)?, name))).collect()
        };
        let all: Vec<((Option<String>, Block), String)> = self.index.read(read).await?;
        for ((text, block), bucket) in all {
            let account = &self.config.account;
            self.policies.set(bucket, text.map(|text| effective(text, block, account)));
        }
        Ok(())
    }

    async fn policy_and_block(&self, bucket: &str) -> Result<(Option<String>, Block), Refusal> {
        self.bucket(bucket).await?;
        let name = bucket.to_owned();
        self.read(move |index| kept(index, &name)).await
    }

    /// Changes the policy or the block, and what holds from then on.
    async fn change_policy(
        self: &Arc<Self>,
        bucket: String,
        change: impl FnOnce(&rusqlite::Transaction<'_>, &str) -> rusqlite::Result<()> + Send + 'static,
    ) -> Result<(), Refusal> {
        let _one = self.policy_change.lock().await;
        let name = bucket.clone();
        let (text, block) = self
            .commit(None, move |index| {
                if index::bucket::find(index, &name)?.is_none() {
                    return Ok(Err(Refusal::no_such_bucket(&name)));
                }
                change(index, &name)?;
                Ok(Ok(Change::of(kept(index, &name)?)))
            })
            .await?;
        let account = &self.config.account;
        self.policies.set(bucket, text.map(|text| effective(text, block, account)));
        Ok(())
    }

    pub(crate) async fn put_bucket_policy(
        self: &Arc<Self>,
        call: Call,
        input: PutBucketPolicyInput,
    ) -> Result<PutBucketPolicyOutput, Refusal> {
        let (_, block) = self.policy_and_block(&input.bucket).await?;
        check(&input.policy, &input.bucket)?;
        if block.policy && is_public(&input.policy) {
            let who = call.caller.arn().unwrap_or_default();
            return Err(Refusal::new(
                "AccessDenied",
                403,
                format!(
                    "User: {who} is not authorized to perform: s3:PutBucketPolicy on resource: \
                     arn:aws:s3:::{} because public policies are prevented by the \
                     BlockPublicPolicy setting in S3 Block Public Access.",
                    input.bucket
                ),
            ));
        }
        let text = input.policy;
        self.change_policy(input.bucket, move |index, bucket| {
            index::setting::put(index, bucket, POLICY, &text)
        })
        .await?;
        Ok(PutBucketPolicyOutput::default())
    }

    pub(crate) async fn get_bucket_policy(
        self: &Arc<Self>,
        _call: Call,
        input: GetBucketPolicyInput,
    ) -> Result<GetBucketPolicyOutput, Refusal> {
        let (policy, _) = self.policy_and_block(&input.bucket).await?;
        let policy = policy.ok_or_else(|| no_policy(&input.bucket))?;
        Ok(GetBucketPolicyOutput { policy: Some(policy) })
    }

    pub(crate) async fn get_bucket_policy_status(
        self: &Arc<Self>,
        _call: Call,
        input: GetBucketPolicyStatusInput,
    ) -> Result<GetBucketPolicyStatusOutput, Refusal> {
        let (policy, _) = self.policy_and_block(&input.bucket).await?;
        let policy = policy.ok_or_else(|| no_policy(&input.bucket))?;
        let status = PolicyStatus { is_public: Some(is_public(&policy)) };
        Ok(GetBucketPolicyStatusOutput { policy_status: Some(status) })
    }

    pub(crate) async fn delete_bucket_policy(
        self: &Arc<Self>,
        _call: Call,
        input: DeleteBucketPolicyInput,
    ) -> Result<DeleteBucketPolicyOutput, Refusal> {
        self.change_policy(input.bucket, |index, bucket| {
            index::setting::delete(index, bucket, POLICY)
        })
        .await?;
        Ok(DeleteBucketPolicyOutput::default())
    }

    pub(crate) async fn put_public_access_block(
        self: &Arc<Self>,
        _call: Call,
        input: PutPublicAccessBlockInput,
    ) -> Result<PutPublicAccessBlockOutput, Refusal> {
        let given = input.public_access_block_configuration;
        let said = [
            given.block_public_acls,
            given.ignore_public_acls,
            given.block_public_policy,
            given.restrict_public_buckets,
        ];
        if said.iter().all(Option::is_none) {
            let message = "Must specify at least one configuration.";
            return Err(Refusal::new("InvalidRequest", 400, message));
        }
        let block = Block {
            acls: given.block_public_acls.unwrap_or(false),
            ignore_acls: given.ignore_public_acls.unwrap_or(false),
            policy: given.block_public_policy.unwrap_or(false),
            restrict: given.restrict_public_buckets.unwrap_or(false),
            gone: false,
        };
        self.change_policy(input.bucket, move |index, bucket| {
            index::setting::put(index, bucket, BLOCK, &block)
        })
        .await?;
        Ok(PutPublicAccessBlockOutput::default())
    }

    pub(crate) async fn get_public_access_block(
        self: &Arc<Self>,
        _call: Call,
        input: GetPublicAccessBlockInput,
    ) -> Result<GetPublicAccessBlockOutput, Refusal> {
        let (_, block) = self.policy_and_block(&input.bucket).await?;
        if block.gone {
            let message = "The public access block configuration was not found";
            let code = "NoSuchPublicAccessBlockConfiguration";
            return Err(Refusal::new(code, 404, message).with("BucketName", input.bucket));
        }
        let configuration = PublicAccessBlockConfiguration {
            block_public_acls: Some(block.acls),
            block_public_policy: Some(block.policy),
            ignore_public_acls: Some(block.ignore_acls),
            restrict_public_buckets: Some(block.restrict),
        };
        Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(configuration) })
    }

    pub(crate) async fn delete_public_access_block(
        self: &Arc<Self>,
        _call: Call,
        input: DeletePublicAccessBlockInput,
    ) -> Result<DeletePublicAccessBlockOutput, Refusal> {
        self.change_policy(input.bucket, |index, bucket| {
            index::setting::put(index, bucket, BLOCK, &Block::GONE)
        })
        .await?;
        Ok(DeletePublicAccessBlockOutput::default())
    }
}

fn no_policy(bucket: &str) -> Refusal {
    Refusal::new("NoSuchBucketPolicy", 404, "The bucket policy does not exist")
        .with("BucketName", bucket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_holds_as_it_is_unless_its_bucket_is_restricted() {
        let account: AccountId = "123456789012".parse().unwrap();
        let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",
            "Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*"}]}"#;
        let restricted = public::restricted(text, &account);
        assert_eq!(effective(text.to_owned(), Block::NEW, &account), restricted);
        assert_eq!(effective(text.to_owned(), Block::GONE, &account), text);
        let narrow = text.replace(r#""*""#, r#"{"AWS":"111122223333"}"#);
        assert_eq!(effective(narrow.clone(), Block::NEW, &account), narrow);
    }

    #[test]
    fn a_policy_speaks_of_its_own_bucket() {
        let text = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": "111122223333"}, "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::bkt/*"}]}"#;
        assert!(check(text, "bkt").is_ok());
        assert_eq!(check(text, "other").unwrap_err().message, "Policy has invalid resource");
        assert_eq!(check("nonsense", "bkt").unwrap_err().code, "MalformedPolicy");
    }
}
