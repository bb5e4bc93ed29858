//! `DeleteObject` and `DeleteObjects`.

use std::sync::Arc;

use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    Error as Failure, ObjectIdentifier,
};

use crate::{
    condition::WriteCondition,
    index::{self, object::Told},
    object_put::changed,
    refusal::Refusal,
    room::{Call, Change, Room},
};

/// Keys that one call may delete (S3's limit).
const KEYS_MAX: usize = 1_000;

/// The event that a deletion raises.
const DELETED: &str = "ObjectRemoved:Delete";

impl Room {
    pub(crate) async fn delete_object(
        self: &Arc<Self>,
        call: Call,
        input: DeleteObjectInput,
    ) -> Result<DeleteObjectOutput, Refusal> {
        self.bucket(&input.bucket).await?;
        let condition = WriteCondition::of_headers(&call.headers)?;
        let (origin, now) = (call.origin(), self.clock.now());
        self.commit(None, move |index| {
            let Some(bucket) = index::bucket::find(index, &input.bucket)? else {
                return Ok(Err(Refusal::no_such_bucket(&input.bucket)));
            };
            let told = Told { event_name: DELETED, origin: &origin, now };
            let done = index::object::delete(index, &bucket, &input.key, &condition, &told)?;
            Ok(done.map(changed))
        })
        .await?;
        Ok(DeleteObjectOutput::default())
    }

    pub(crate) async fn delete_objects(
        self: &Arc<Self>,
        call: Call,
        input: DeleteObjectsInput,
    ) -> Result<DeleteObjectsOutput, Refusal> {
        self.bucket(&input.bucket).await?;
        let (objects, bucket) = (input.delete.objects, input.bucket);
        if objects.is_empty() || objects.len() > KEYS_MAX {
            return Err(Refusal::malformed_xml());
        }
        let quiet = input.delete.quiet.unwrap_or(false);
        let (origin, now) = (call.origin(), self.clock.now());
        let (deleted, errors) = self
            .commit(None, move |index| {
                let Some(bucket) = index::bucket::find(index, &bucket)? else {
                    return Ok(Err(Refusal::no_such_bucket(&bucket)));
                };
                let told = Told { event_name: DELETED, origin: &origin, now };
                let (mut deleted, mut errors, mut change) =
                    (Vec::new(), Vec::new(), Change::of(()));
                for object in objects {
                    let done = match refused(&object) {
                        Some(refusal) => Err(refusal),
                        None => index::object::delete(
                            index,
                            &bucket,
                            &object.key,
                            &object.e_tag.as_ref().map_or(WriteCondition::Always, |tag| {
                                WriteCondition::Present(tag.value().to_owned())
                            }),
                            &told,
                        )?,
                    };
                    match done {
                        Ok(done) => {
                            change.unused.extend(done.replaced);
                            change.announced |= done.announced;
                            deleted.push(DeletedObject {
                                key: Some(object.key),
                                ..DeletedObject::default()
                            });
                        }
                        Err(refusal) => errors.push(Failure {
                            code: Some(refusal.code.into_owned()),
                            message: Some(refusal.message.into_owned()),
                            key: Some(object.key),
                            version_id: object.version_id,
                        }),
                    }
                }
                let Change { unused, announced, .. } = change;
                Ok(Ok(Change { value: (deleted, errors), unused, announced }))
            })
            .await?;
        Ok(DeleteObjectsOutput {
            deleted: (!quiet).then_some(deleted),
            errors: (!errors.is_empty()).then_some(errors),
            ..DeleteObjectsOutput::default()
        })
    }
}

/// What is asked of one key beyond its deletion.
fn refused(object: &ObjectIdentifier) -> Option<Refusal> {
    if object.version_id.as_deref().is_some_and(|version| version != "null") {
        let message = "The version ID specified in the request does not match an existing version.";
        return Some(Refusal::new("NoSuchVersion", 404, message));
    }
    let conditional = object.last_modified_time.is_some() || object.size.is_some();
    conditional.then(|| Refusal::not_implemented("LastModifiedTime and Size of a deletion"))
}
