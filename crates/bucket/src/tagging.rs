//! Tags of buckets and of objects.

use std::sync::Arc;

use s3s::dto::{
    DeleteBucketTaggingInput, DeleteBucketTaggingOutput, DeleteObjectTaggingInput,
    DeleteObjectTaggingOutput, GetBucketTaggingInput, GetBucketTaggingOutput,
    GetObjectTaggingInput, GetObjectTaggingOutput, PutBucketTaggingInput, PutBucketTaggingOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput, Tag, TagSet,
};

use crate::{
    index::{self, object::Told},
    meta::Tags,
    object_put::changed,
    offered,
    refusal::Refusal,
    room::{Call, Change, Room},
};

/// Tags of one object and of one bucket (S3's limits).
const OBJECT_TAGS_MAX: usize = 10;
const BUCKET_TAGS_MAX: usize = 50;
/// Characters of a tag's key and of its value.
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

/// The name of the setting.
const TAGGING: &str = "tagging";

/// Checks tags as they came.
fn checked(
    given: impl Iterator<Item = (String, String)>,
    tags_max: usize,
) -> Result<Tags, Refusal> {
    let wrong = |message: &'static str| Refusal::new("InvalidTag", 400, message);
    let mut tags = Tags::new();
    for (key, value) in given {
        let length = key.chars().count();
        if length == 0 || length > KEY_CHARS_MAX {
            return Err(wrong("The TagKey you have provided is invalid"));
        }
        if value.chars().count() > VALUE_CHARS_MAX {
            return Err(wrong("The TagValue you have provided is invalid"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(wrong("System tags cannot be added/updated by requester"));
        }
        if tags.insert(key, value).is_some() {
            return Err(wrong("Cannot provide multiple Tags with the same key"));
        }
    }
    if tags.len() > tags_max {
        let message = format!("Object tags cannot be greater than {tags_max}");
        return Err(Refusal::new("BadRequest", 400, message));
    }
    Ok(tags)
}

fn given(set: TagSet) -> impl Iterator<Item = (String, String)> {
    set.into_iter().map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()))
}

fn answered(tags: Tags) -> TagSet {
    tags.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) }).collect()
}

/// The tags of the header `x-amz-tagging`, which is written as a query.
pub(crate) fn of_header(text: Option<&str>) -> Result<Tags, Refusal> {
    checked(offered::pairs(text.unwrap_or_default()), OBJECT_TAGS_MAX)
}

impl Room {
    pub(crate) async fn get_object_tagging(
        self: &Arc<Self>,
        _call: Call,
        input: GetObjectTaggingInput,
    ) -> Result<GetObjectTaggingOutput, Refusal> {
        let (object, _) = self.object(&input.bucket, &input.key).await?;
        let tag_set = answered(object.meta.tags);
        Ok(GetObjectTaggingOutput { tag_set, version_id: None })
    }

    pub(crate) async fn put_object_tagging(
        self: &Arc<Self>,
        call: Call,
        input: PutObjectTaggingInput,
    ) -> Result<PutObjectTaggingOutput, Refusal> {
        let tags = checked(given(input.tagging.tag_set), OBJECT_TAGS_MAX)?;
        self.set_tags(call, (input.bucket, input.key), tags, "ObjectTagging:Put").await?;
        Ok(PutObjectTaggingOutput::default())
    }

    pub(crate) async fn delete_object_tagging(
        self: &Arc<Self>,
        call: Call,
        input: DeleteObjectTaggingInput,
    ) -> Result<DeleteObjectTaggingOutput, Refusal> {
        let of = (input.bucket, input.key);
        self.set_tags(call, of, Tags::new(), "ObjectTagging:Delete").await?;
        Ok(DeleteObjectTaggingOutput::default())
    }

    async fn set_tags(
        self: &Arc<Self>,
        call: Call,
        (name, key): (String, String),
        tags: Tags,
        event_name: &'static str,
    ) -> Result<(), Refusal> {
        let (origin, now) = (call.origin(), self.clock.now());
        self.commit(None, move |index| {
            let Some(bucket) = index::bucket::find(index, &name)? else {
                return Ok(Err(Refusal::no_such_bucket(&name)));
            };
            let told = Told { event_name, origin: &origin, now };
            let done = index::object::set_tags(index, &bucket, &key, tags, &told)?;
            Ok(done.map(changed))
        })
        .await
    }

    pub(crate) async fn get_bucket_tagging(
        self: &Arc<Self>,
        _call: Call,
        input: GetBucketTaggingInput,
    ) -> Result<GetBucketTaggingOutput, Refusal> {
        let tags: Option<Tags> = self.setting(&input.bucket, TAGGING).await?;
        let Some(tags) = tags.filter(|tags| !tags.is_empty()) else {
            let refusal = Refusal::new("NoSuchTagSet", 404, "The TagSet does not exist");
            return Err(refusal.with("BucketName", input.bucket));
        };
        Ok(GetBucketTaggingOutput { tag_set: answered(tags) })
    }

    pub(crate) async fn put_bucket_tagging(
        self: &Arc<Self>,
        _call: Call,
        input: PutBucketTaggingInput,
    ) -> Result<PutBucketTaggingOutput, Refusal> {
        let tags = checked(given(input.tagging.tag_set), BUCKET_TAGS_MAX)?;
        self.set_setting(input.bucket, TAGGING, Some(tags)).await?;
        Ok(PutBucketTaggingOutput::default())
    }

    pub(crate) async fn delete_bucket_tagging(
        self: &Arc<Self>,
        _call: Call,
        input: DeleteBucketTaggingInput,
    ) -> Result<DeleteBucketTaggingOutput, Refusal> {
        self.set_setting::<Tags>(input.bucket, TAGGING, None).await?;
        Ok(DeleteBucketTaggingOutput::default())
    }

    /// A setting of a bucket that is there.
    pub(crate) async fn setting<T: serde::de::DeserializeOwned>(
        &self,
        bucket: &str,
        name: &'static str,
    ) -> Result<Option<T>, Refusal> {
        self.bucket(bucket).await?;
        let of = bucket.to_owned();
        let text = self.read(move |index| index::setting::find(index, &of, name)).await?;
        let read = |text: String| {
            serde_json::from_str(&text).map_err(|why| Refusal::internal("reading a setting", &why))
        };
        text.map(read).transpose()
    }

    /// Puts a setting, or takes it away.
    pub(crate) async fn set_setting<T: serde::Serialize + Send + 'static>(
        self: &Arc<Self>,
        bucket: String,
        name: &'static str,
        value: Option<T>,
    ) -> Result<(), Refusal> {
        self.commit(None, move |index| {
            if index::bucket::find(index, &bucket)?.is_none() {
                return Ok(Err(Refusal::no_such_bucket(&bucket)));
            }
            match value {
                Some(value) => index::setting::put(index, &bucket, name, &value)?,
                None => index::setting::delete(index, &bucket, name)?,
            }
            Ok(Ok(Change::of(())))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_holds_tags_as_a_query() {
        let tags = of_header(Some("a=1&b+c=%C3%A4&d=")).unwrap();
        let expected = [("a", "1"), ("b c", "ä"), ("d", "")];
        assert!(tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).eq(expected));
        assert_eq!(of_header(Some("a=1&a=2")).unwrap_err().code, "InvalidTag");
        let many: Vec<_> = (0..11).map(|n| format!("k{n}=v")).collect();
        assert_eq!(of_header(Some(&many.join("&"))).unwrap_err().code, "BadRequest");
        assert_eq!(of_header(Some("aws:x=1")).unwrap_err().code, "InvalidTag");
    }
}
