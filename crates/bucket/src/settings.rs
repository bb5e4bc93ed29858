//! What set-ups ask and say of a bucket beyond its objects: the few settings that hold here, and
//! for all others that there are none.

use std::sync::Arc;

use s3s::dto::{
    DeleteBucketEncryptionInput, DeleteBucketEncryptionOutput, DeleteBucketOwnershipControlsInput,
    DeleteBucketOwnershipControlsOutput, GetBucketAccelerateConfigurationInput,
    GetBucketAccelerateConfigurationOutput, GetBucketAclInput, GetBucketAclOutput,
    GetBucketCorsInput, GetBucketCorsOutput, GetBucketEncryptionInput, GetBucketEncryptionOutput,
    GetBucketLifecycleConfigurationInput, GetBucketLifecycleConfigurationOutput,
    GetBucketLoggingInput, GetBucketLoggingOutput, GetBucketOwnershipControlsInput,
    GetBucketOwnershipControlsOutput, GetBucketReplicationInput, GetBucketReplicationOutput,
    GetBucketRequestPaymentInput, GetBucketRequestPaymentOutput, GetBucketVersioningInput,
    GetBucketVersioningOutput, GetBucketWebsiteInput, GetBucketWebsiteOutput, GetObjectAclInput,
    GetObjectAclOutput, GetObjectLockConfigurationInput, GetObjectLockConfigurationOutput, Grant,
    Grantee, ObjectOwnership, Owner, OwnershipControls, OwnershipControlsRule, Payer, Permission,
    PutBucketAclInput, PutBucketAclOutput, PutBucketEncryptionInput, PutBucketEncryptionOutput,
    PutBucketOwnershipControlsInput, PutBucketOwnershipControlsOutput,
    PutBucketRequestPaymentInput, PutBucketRequestPaymentOutput, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    Type,
};

use crate::{
    refusal::Refusal,
    room::{Call, Room},
};

/// The setting that says whether the controls of ownership were taken away.
const OWNERSHIP_GONE: &str = "ownership_gone";

/// What is answered alike for every bucket that is there: `operation(input, output) => answer;`.
macro_rules! alike {
    ($($method:ident($input:ident, $output:ident) => $answer:expr;)*) => {
        impl Room {
            $(
                pub(crate) async fn $method(
                    self: &Arc<Self>,
                    _call: Call,
                    input: $input,
                ) -> Result<$output, Refusal> {
                    self.bucket(&input.bucket).await?;
                    let answer: Result<$output, Refusal> = $answer;
                    answer.map_err(|refusal| refusal.with("BucketName", input.bucket))
                }
            )*
        }
    };
}

alike! {
    // No bucket is versioned, logged or accelerated: asking for it is refused.
    get_bucket_versioning(GetBucketVersioningInput, GetBucketVersioningOutput) => nothing();
    get_bucket_logging(GetBucketLoggingInput, GetBucketLoggingOutput) => nothing();
    get_bucket_accelerate_configuration(
        GetBucketAccelerateConfigurationInput, GetBucketAccelerateConfigurationOutput
    ) => nothing();
    // Back to what holds anyway.
    delete_bucket_encryption(DeleteBucketEncryptionInput, DeleteBucketEncryptionOutput) =>
        nothing();
    get_bucket_encryption(GetBucketEncryptionInput, GetBucketEncryptionOutput) =>
        Ok(encryption());
    get_bucket_request_payment(GetBucketRequestPaymentInput, GetBucketRequestPaymentOutput) =>
        Ok(GetBucketRequestPaymentOutput { payer: Some(Payer::from_static(Payer::BUCKET_OWNER)) });
    get_bucket_cors(GetBucketCorsInput, GetBucketCorsOutput) =>
        missing("NoSuchCORSConfiguration", "The CORS configuration does not exist");
    get_bucket_lifecycle_configuration(
        GetBucketLifecycleConfigurationInput, GetBucketLifecycleConfigurationOutput
    ) => missing("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist");
    get_bucket_replication(GetBucketReplicationInput, GetBucketReplicationOutput) =>
        missing(
            "ReplicationConfigurationNotFoundError", "The replication configuration was not found"
        );
    get_bucket_website(GetBucketWebsiteInput, GetBucketWebsiteOutput) =>
        missing(
            "NoSuchWebsiteConfiguration",
            "The specified bucket does not have a website configuration"
        );
    get_object_lock_configuration(
        GetObjectLockConfigurationInput, GetObjectLockConfigurationOutput
    ) => missing(
        "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket"
    );
}

/// There is nothing to say.
fn nothing<T: Default>() -> Result<T, Refusal> {
    Ok(T::default())
}

/// No bucket has such a configuration.
fn missing<T>(code: &'static str, message: &'static str) -> Result<T, Refusal> {
    Err(Refusal::new(code, 404, message))
}

/// What S3 does to every bucket.
fn encryption() -> GetBucketEncryptionOutput {
    let default = ServerSideEncryptionByDefault {
        kms_master_key_id: None,
        sse_algorithm: ServerSideEncryption::from_static(ServerSideEncryption::AES256),
    };
    let rule = ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(default),
        bucket_key_enabled: Some(false),
    };
    let configuration = ServerSideEncryptionConfiguration { rules: vec![rule] };
    GetBucketEncryptionOutput { server_side_encryption_configuration: Some(configuration) }
}

impl Room {
    fn owner(&self) -> Owner {
        Owner { id: Some(self.owner_id()), ..Owner::default() }
    }

    /// The only list of grants that there is: all is the owner's.
    fn grants(&self) -> Vec<Grant> {
        let grantee = Grantee {
            display_name: None,
            email_address: None,
            id: Some(self.owner_id()),
            type_: Type::from_static(Type::CANONICAL_USER),
            uri: None,
        };
        let permission = Permission::from_static(Permission::FULL_CONTROL);
        vec![Grant { grantee: Some(grantee), permission: Some(permission) }]
    }

    pub(crate) async fn get_bucket_acl(
        self: &Arc<Self>,
        _call: Call,
        input: GetBucketAclInput,
    ) -> Result<GetBucketAclOutput, Refusal> {
        self.bucket(&input.bucket).await?;
        Ok(GetBucketAclOutput { grants: Some(self.grants()), owner: Some(self.owner()) })
    }

    pub(crate) async fn get_object_acl(
        self: &Arc<Self>,
        _call: Call,
        input: GetObjectAclInput,
    ) -> Result<GetObjectAclOutput, Refusal> {
        self.object(&input.bucket, &input.key).await?;
        let (grants, owner) = (Some(self.grants()), Some(self.owner()));
        Ok(GetObjectAclOutput { grants, owner, ..GetObjectAclOutput::default() })
    }

    /// Refused, as AWS does where the bucket's owner owns every object.
    pub(crate) async fn put_bucket_acl(
        self: &Arc<Self>,
        _call: Call,
        input: PutBucketAclInput,
    ) -> Result<PutBucketAclOutput, Refusal> {
        self.bucket(&input.bucket).await?;
        if input.acl.is_some_and(|acl| acl.as_str() == "bucket-owner-full-control") {
            return Ok(PutBucketAclOutput::default());
        }
        let message = "The bucket does not allow ACLs";
        Err(Refusal::new("AccessControlListNotSupported", 400, message))
    }

    pub(crate) async fn get_bucket_ownership_controls(
        self: &Arc<Self>,
        _call: Call,
        input: GetBucketOwnershipControlsInput,
    ) -> Result<GetBucketOwnershipControlsOutput, Refusal> {
        if self.setting(&input.bucket, OWNERSHIP_GONE).await? == Some(true) {
            let message = "The bucket ownership controls were not found";
            let refusal = Refusal::new("OwnershipControlsNotFoundError", 404, message);
            return Err(refusal.with("BucketName", input.bucket));
        }
        let enforced = ObjectOwnership::from_static(ObjectOwnership::BUCKET_OWNER_ENFORCED);
        let rules = vec![OwnershipControlsRule { object_ownership: enforced }];
        Ok(GetBucketOwnershipControlsOutput {
            ownership_controls: Some(OwnershipControls { rules }),
        })
    }

    pub(crate) async fn put_bucket_ownership_controls(
        self: &Arc<Self>,
        _call: Call,
        input: PutBucketOwnershipControlsInput,
    ) -> Result<PutBucketOwnershipControlsOutput, Refusal> {
        match input.ownership_controls.rules.as_slice() {
            [only] if only.object_ownership.as_str() == ObjectOwnership::BUCKET_OWNER_ENFORCED => {}
            [other] => {
                let other = other.object_ownership.as_str();
                return Err(Refusal::not_implemented(&format!("the object ownership {other}")));
            }
            _ => return Err(Refusal::malformed_xml()),
        }
        self.set_setting::<bool>(input.bucket, OWNERSHIP_GONE, None).await?;
        Ok(PutBucketOwnershipControlsOutput::default())
    }

    pub(crate) async fn delete_bucket_ownership_controls(
        self: &Arc<Self>,
        _call: Call,
        input: DeleteBucketOwnershipControlsInput,
    ) -> Result<DeleteBucketOwnershipControlsOutput, Refusal> {
        self.set_setting(input.bucket, OWNERSHIP_GONE, Some(true)).await?;
        Ok(DeleteBucketOwnershipControlsOutput::default())
    }

    /// Takes what S3 does to every bucket anyway; keys of KMS are refused.
    pub(crate) async fn put_bucket_encryption(
        self: &Arc<Self>,
        _call: Call,
        input: PutBucketEncryptionInput,
    ) -> Result<PutBucketEncryptionOutput, Refusal> {
        self.bucket(&input.bucket).await?;
        let [rule] = input.server_side_encryption_configuration.rules.as_slice() else {
            return Err(Refusal::malformed_xml());
        };
        let Some(default) = &rule.apply_server_side_encryption_by_default else {
            return Err(Refusal::malformed_xml());
        };
        let algorithm = default.sse_algorithm.as_str();
        if algorithm != ServerSideEncryption::AES256 || default.kms_master_key_id.is_some() {
            return Err(Refusal::not_implemented(&format!("encryption by {algorithm}")));
        }
        Ok(PutBucketEncryptionOutput::default())
    }

    pub(crate) async fn put_bucket_request_payment(
        self: &Arc<Self>,
        _call: Call,
        input: PutBucketRequestPaymentInput,
    ) -> Result<PutBucketRequestPaymentOutput, Refusal> {
        self.bucket(&input.bucket).await?;
        if input.request_payment_configuration.payer.as_str() != Payer::BUCKET_OWNER {
            return Err(Refusal::not_implemented("requests that whoever makes them pays for"));
        }
        Ok(PutBucketRequestPaymentOutput::default())
    }
}
