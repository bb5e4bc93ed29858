//! The operations that are offered, as `s3s` calls them. All others answer `NotImplemented`.

use std::{
    future::Future,
    sync::{Arc, Mutex},
};

use http::{HeaderName, HeaderValue, StatusCode};
use s3s::{
    S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result,
    config::{S3Config, StaticConfigProvider},
    dto,
    service::{S3Service, S3ServiceBuilder},
};

use crate::{
    refusal::Refusal,
    room::{Call, Room},
    serve::DOCUMENT_BYTES_MAX,
};

/// Where a refusal waits for its answer: `s3s` knows codes and messages, but none of the details.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot(Arc<Mutex<Option<Refusal>>>);

impl Slot {
    pub(crate) fn take(&self) -> Option<Refusal> {
        self.0.lock().expect("no holder panics").take()
    }

    fn put(&self, refusal: Refusal) -> S3Error {
        let code = S3ErrorCode::Custom(refusal.code.to_string().into());
        let mut error = S3Error::new(code);
        error.set_status_code(
            StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        );
        *self.0.lock().expect("no holder panics") = Some(refusal);
        error
    }
}

/// The service that speaks S3's wire format.
pub(crate) fn service(room: &Arc<Room>) -> S3Service {
    let mut builder = S3ServiceBuilder::new(Api(Arc::clone(room)));
    let mut config = S3Config::default();
    config.xml_max_body_size = DOCUMENT_BYTES_MAX;
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder.build()
}

struct Api(Arc<Room>);

async fn run<I, O, F>(
    request: S3Request<I>,
    work: impl FnOnce(Call, I) -> F,
) -> S3Result<S3Response<O>>
where
    F: Future<Output = Result<O, Refusal>>,
{
    let S3Request { input, headers, extensions, .. } = request;
    let slot = extensions.get::<Slot>().cloned().unwrap_or_default();
    let Some(call) = Call::of(&extensions, headers) else {
        let refusal = Refusal::internal("serving a call", &"the gateway attached no caller");
        return Err(slot.put(refusal));
    };
    work(call, input).await.map(S3Response::new).map_err(|refusal| slot.put(refusal))
}

/// `operation => method of the room (input, output)`, one line each.
macro_rules! operations {
    ($($operation:ident => $method:ident ($input:ident, $output:ident);)*) => {
        #[async_trait::async_trait]
        impl S3 for Api {
            $(
                async fn $operation(
                    &self,
                    request: S3Request<dto::$input>,
                ) -> S3Result<S3Response<dto::$output>> {
                    run(request, |call, input| self.0.$method(call, input)).await
                }
            )*

            async fn head_object(
                &self,
                request: S3Request<dto::HeadObjectInput>,
            ) -> S3Result<S3Response<dto::HeadObjectOutput>> {
                let answer = run(request, |call, input| self.0.head_object(call, input)).await?;
                let tags = answer.output.1;
                let mut answer = answer.map_output(|(output, _)| output);
                // The library's own answer has no place for it.
                if let Some(tags) = tags {
                    let name = HeaderName::from_static("x-amz-tagging-count");
                    answer.headers.insert(name, HeaderValue::from(tags));
                }
                Ok(answer)
            }
        }
    };
}

operations! {
    create_bucket => create_bucket(CreateBucketInput, CreateBucketOutput);
    delete_bucket => delete_bucket(DeleteBucketInput, DeleteBucketOutput);
    head_bucket => head_bucket(HeadBucketInput, HeadBucketOutput);
    list_buckets => list_buckets(ListBucketsInput, ListBucketsOutput);
    get_bucket_location => get_bucket_location(GetBucketLocationInput, GetBucketLocationOutput);
    put_object => put_object(PutObjectInput, PutObjectOutput);
    get_object => get_object(GetObjectInput, GetObjectOutput);
    copy_object => copy_object(CopyObjectInput, CopyObjectOutput);
    delete_object => delete_object(DeleteObjectInput, DeleteObjectOutput);
    delete_objects => delete_objects(DeleteObjectsInput, DeleteObjectsOutput);
    list_objects => list_objects(ListObjectsInput, ListObjectsOutput);
    list_objects_v2 => list_objects_v2(ListObjectsV2Input, ListObjectsV2Output);
    list_object_versions =>
        list_object_versions(ListObjectVersionsInput, ListObjectVersionsOutput);
    create_multipart_upload =>
        create_multipart_upload(CreateMultipartUploadInput, CreateMultipartUploadOutput);
    upload_part => upload_part(UploadPartInput, UploadPartOutput);
    upload_part_copy => upload_part_copy(UploadPartCopyInput, UploadPartCopyOutput);
    complete_multipart_upload =>
        complete_multipart_upload(CompleteMultipartUploadInput, CompleteMultipartUploadOutput);
    abort_multipart_upload =>
        abort_multipart_upload(AbortMultipartUploadInput, AbortMultipartUploadOutput);
    list_parts => list_parts(ListPartsInput, ListPartsOutput);
    list_multipart_uploads =>
        list_multipart_uploads(ListMultipartUploadsInput, ListMultipartUploadsOutput);
    put_bucket_notification_configuration =>
        put_bucket_notification(
            PutBucketNotificationConfigurationInput,
            PutBucketNotificationConfigurationOutput
        );
    get_bucket_notification_configuration =>
        get_bucket_notification(
            GetBucketNotificationConfigurationInput,
            GetBucketNotificationConfigurationOutput
        );
    delete_bucket_encryption => delete_bucket_encryption(
        DeleteBucketEncryptionInput,
        DeleteBucketEncryptionOutput
    );
    delete_bucket_ownership_controls => delete_bucket_ownership_controls(
        DeleteBucketOwnershipControlsInput,
        DeleteBucketOwnershipControlsOutput
    );
    delete_bucket_policy => delete_bucket_policy(
        DeleteBucketPolicyInput,
        DeleteBucketPolicyOutput
    );
    delete_bucket_tagging => delete_bucket_tagging(
        DeleteBucketTaggingInput,
        DeleteBucketTaggingOutput
    );
    delete_object_tagging => delete_object_tagging(
        DeleteObjectTaggingInput,
        DeleteObjectTaggingOutput
    );
    delete_public_access_block => delete_public_access_block(
        DeletePublicAccessBlockInput,
        DeletePublicAccessBlockOutput
    );
    get_bucket_accelerate_configuration => get_bucket_accelerate_configuration(
        GetBucketAccelerateConfigurationInput,
        GetBucketAccelerateConfigurationOutput
    );
    get_bucket_acl => get_bucket_acl(GetBucketAclInput, GetBucketAclOutput);
    get_bucket_cors => get_bucket_cors(GetBucketCorsInput, GetBucketCorsOutput);
    get_bucket_encryption => get_bucket_encryption(
        GetBucketEncryptionInput,
        GetBucketEncryptionOutput
    );
    get_bucket_lifecycle_configuration => get_bucket_lifecycle_configuration(
        GetBucketLifecycleConfigurationInput,
        GetBucketLifecycleConfigurationOutput
    );
    get_bucket_logging => get_bucket_logging(GetBucketLoggingInput, GetBucketLoggingOutput);
    get_bucket_ownership_controls => get_bucket_ownership_controls(
        GetBucketOwnershipControlsInput,
        GetBucketOwnershipControlsOutput
    );
    get_bucket_policy => get_bucket_policy(GetBucketPolicyInput, GetBucketPolicyOutput);
    get_bucket_policy_status => get_bucket_policy_status(
        GetBucketPolicyStatusInput,
        GetBucketPolicyStatusOutput
    );
    get_bucket_replication => get_bucket_replication(
        GetBucketReplicationInput,
        GetBucketReplicationOutput
    );
    get_bucket_request_payment => get_bucket_request_payment(
        GetBucketRequestPaymentInput,
        GetBucketRequestPaymentOutput
    );
    get_bucket_tagging => get_bucket_tagging(GetBucketTaggingInput, GetBucketTaggingOutput);
    get_bucket_versioning => get_bucket_versioning(
        GetBucketVersioningInput,
        GetBucketVersioningOutput
    );
    get_bucket_website => get_bucket_website(GetBucketWebsiteInput, GetBucketWebsiteOutput);
    get_object_acl => get_object_acl(GetObjectAclInput, GetObjectAclOutput);
    get_object_attributes => get_object_attributes(
        GetObjectAttributesInput,
        GetObjectAttributesOutput
    );
    get_object_lock_configuration => get_object_lock_configuration(
        GetObjectLockConfigurationInput,
        GetObjectLockConfigurationOutput
    );
    get_object_tagging => get_object_tagging(GetObjectTaggingInput, GetObjectTaggingOutput);
    get_public_access_block => get_public_access_block(
        GetPublicAccessBlockInput,
        GetPublicAccessBlockOutput
    );
    put_bucket_acl => put_bucket_acl(PutBucketAclInput, PutBucketAclOutput);
    put_bucket_encryption => put_bucket_encryption(
        PutBucketEncryptionInput,
        PutBucketEncryptionOutput
    );
    put_bucket_ownership_controls => put_bucket_ownership_controls(
        PutBucketOwnershipControlsInput,
        PutBucketOwnershipControlsOutput
    );
    put_bucket_policy => put_bucket_policy(PutBucketPolicyInput, PutBucketPolicyOutput);
    put_bucket_request_payment => put_bucket_request_payment(
        PutBucketRequestPaymentInput,
        PutBucketRequestPaymentOutput
    );
    put_bucket_tagging => put_bucket_tagging(PutBucketTaggingInput, PutBucketTaggingOutput);
    put_object_tagging => put_object_tagging(PutObjectTaggingInput, PutObjectTaggingOutput);
    put_public_access_block => put_public_access_block(
        PutPublicAccessBlockInput,
        PutPublicAccessBlockOutput
    );
}
