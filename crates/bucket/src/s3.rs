//! The operations that are offered, as `s3s` calls them. All others answer `NotImplemented`.

use std::{
    future::Future,
    sync::{Arc, Mutex},
};

use http::StatusCode;
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
                let partial = answer.output.1;
                let mut answer = answer.map_output(|(output, _)| output);
                answer.status = partial.then_some(StatusCode::PARTIAL_CONTENT);
                Ok(answer)
            }

            /// No object has tags: setting them is refused.
            async fn get_object_tagging(
                &self,
                request: S3Request<dto::GetObjectTaggingInput>,
            ) -> S3Result<S3Response<dto::GetObjectTaggingOutput>> {
                run(request, |_, input: dto::GetObjectTaggingInput| async move {
                    self.0.object(&input.bucket, &input.key).await?;
                    Ok(dto::GetObjectTaggingOutput::default())
                })
                .await
            }

            /// No bucket is versioned: asking for it is refused.
            async fn get_bucket_versioning(
                &self,
                request: S3Request<dto::GetBucketVersioningInput>,
            ) -> S3Result<S3Response<dto::GetBucketVersioningOutput>> {
                run(request, |_, input: dto::GetBucketVersioningInput| async move {
                    self.0.bucket(&input.bucket).await?;
                    Ok(dto::GetBucketVersioningOutput::default())
                })
                .await
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
}
