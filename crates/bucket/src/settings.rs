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

/// What there is not: operation, answer's type, code and message.
macro_rules! missing {
    ($($method:ident($input:ident, $output:ident): $code:literal, $message:literal;)*) => {
        impl Room {
            $(
                pub(crate) async fn $method(
                    self: &Arc<Self>,
                    _call: Call,
                    input: $input,
                ) -> Result<$output, Refusal> {
                    self.bucket(&input.bucket).await?;
                    Err(Refusal::new($code, 404, $message).with("BucketName", input.bucket))
                }
            )*
        }
    };
}

missing! {
    get_bucket_cors(GetBucketCorsInput, GetBucketCorsOutput):
        "NoSuchCORSConfiguration", "The CORS configuration does not exist";
    get_bucket_lifecycle_configuration(
        GetBucketLifecycleConfigurationInput, GetBucketLifecycleConfigurationOutput
    ): "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist";
    get_bucket_replication(GetBucketReplicationInput, GetBucketReplicationOutput):
        "ReplicationConfigurationNotFoundError", "The replication configuration was not found";
    get_bucket_website(GetBucketWebsiteInput, GetBucketWebsiteOutput):
        "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration";
    get_object_lock_configuration(
        GetObjectLockConfigurationInput, GetObjectLockConfigurationOutput
    ): "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket";
}

/// What is answered without more for any bucket that is there.
macro_rules! empty {
    ($($method:ident($input:ident, $output:ident);)*) => {
        impl Room {
            $(
                pub(crate) async fn $method(
                    self: &Arc<Self>,
                    _call: Call,
                    input: $input,
                ) -> Result<$output, Refusal> {
                    self.bucket(&input.bucket).await?;
                    Ok($output::default())
                }
            )*
        }
    };
}

empty! {
    // No bucket is versioned, logged or accelerated: asking for it is refused.
    get_bucket_versioning(GetBucketVersioningInput, GetBucketVersioningOutput);
    get_bucket_logging(GetBucketLoggingInput, GetBucketLoggingOutput);
    get_bucket_accelerate_configuration(
        GetBucketAccelerateConfigurationInput, GetBucketAccelerateConfigurationOutput
    );
    // Back to what holds anyway.
    delete_bucket_encryption(DeleteBucketEncryptionInput, DeleteBucketEncryptionOutput);
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

    pub(crate) async fn get_bucket_encryption(
        self: &Arc<Self>,
        _call: Call,
        input: GetBucketEncryptionInput,
    ) -> Result<GetBucketEncryptionOutput, Refusal> {
        self.bucket(&input.bucket).await?;
        let default = ServerSideEncryptionByDefault {
            kms_master_key_id: None,
            sse_algorithm: ServerSideEncryption::from_static(ServerSideEncryption::AES256),
        };
        let rule = ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(default),
            bucket_key_enabled: Some(false),
        };
        Ok(GetBucketEncryptionOutput {
            server_side_encryption_configuration: Some(ServerSideEncryptionConfiguration {
                rules: vec![rule],
            }),
        })
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

    pub(crate) async fn get_bucket_request_payment(
        self: &Arc<Self>,
        _call: Call,
        input: GetBucketRequestPaymentInput,
    ) -> Result<GetBucketRequestPaymentOutput, Refusal> {
        self.bucket(&input.bucket).await?;
        let payer = Some(Payer::from_static(Payer::BUCKET_OWNER));
        Ok(GetBucketRequestPaymentOutput { payer })
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
