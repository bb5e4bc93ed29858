//! Buckets themselves: made, found, listed, deleted.

use std::sync::Arc;

use s3s::dto::{
    Bucket as Listed, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput,
    DeleteBucketInput, DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput,
    HeadBucketInput, HeadBucketOutput, ListBucketsInput, ListBucketsOutput, Owner,
};

use crate::{
    index,
    list::{token_of, token_value},
    moment,
    refusal::Refusal,
    room::{Call, Change, Room},
};

/// The region whose buckets have no location constraint.
const CLASSIC_REGION: &str = "us-east-1";

/// Buckets that one answer lists (S3's limit).
const BUCKETS_MAX: u32 = 10_000;

/// Why `name` may not be a bucket's name: S3's rules for general purpose buckets.
pub fn name_fault(name: &str) -> Option<&'static str> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let prefixes = ["xn--", "sthree-", "amzn-s3-demo-"];
    let suffixes = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
    if !(3..=63).contains(&name.len()) {
        Some("it has 3 to 63 characters")
    } else if !name.bytes().all(|byte| plain(byte) || byte == b'-' || byte == b'.') {
        Some("it has lower-case letters, digits, dots and dashes only")
    } else if !name.bytes().next().is_some_and(plain) || !name.bytes().last().is_some_and(plain) {
        Some("it begins and ends with a letter or a digit")
    } else if name.contains("..") {
        Some("it has no two dots in a row")
    } else if name.parse::<std::net::IpAddr>().is_ok() {
        Some("it is not an address")
    } else if prefixes.iter().any(|prefix| name.starts_with(prefix))
        || suffixes.iter().any(|suffix| name.ends_with(suffix))
    {
        Some("it has no prefix or suffix that S3 keeps for itself")
    } else {
        None
    }
}

/// The region of a new bucket, given where the call was sent to and what it asks for.
pub(crate) fn region_for(endpoint: &str, asked: Option<&str>) -> Result<String, Refusal> {
    let incompatible = |what: &str| {
        Refusal::new(
            "IllegalLocationConstraintException",
            400,
            format!(
                "The {what} location constraint is incompatible for the region specific endpoint \
                 this request was sent to."
            ),
        )
    };
    match (endpoint, asked.filter(|asked| !asked.is_empty())) {
        (CLASSIC_REGION, None) => Ok(CLASSIC_REGION.to_owned()),
        (CLASSIC_REGION, Some(asked)) => {
            let known = asked != CLASSIC_REGION && asked.parse::<flow::Region>().is_ok();
            if known {
                return Ok(asked.to_owned());
            }
            Err(Refusal::new(
                "InvalidLocationConstraint",
                400,
                "The specified location-constraint is not valid",
            )
            .with("LocationConstraint", asked))
        }
        (_, None) => Err(incompatible("unspecified")),
        (endpoint, Some(asked)) if endpoint == asked => Ok(asked.to_owned()),
        (_, Some(asked)) => Err(incompatible(asked)),
    }
}

fn constraint(region: &str) -> Option<BucketLocationConstraint> {
    (region != CLASSIC_REGION).then(|| BucketLocationConstraint::from(region.to_owned()))
}

impl Room {
    pub(crate) async fn create_bucket(
        self: &Arc<Self>,
        call: Call,
        input: CreateBucketInput,
    ) -> Result<CreateBucketOutput, Refusal> {
        let name = input.bucket;
        if name_fault(&name).is_some() {
            return Err(Refusal::new(
                "InvalidBucketName",
                400,
                "The specified bucket is not valid.",
            )
            .with("BucketName", name));
        }
        let configuration = input.create_bucket_configuration.unwrap_or_default();
        if configuration.bucket.is_some() || configuration.location.is_some() {
            return Err(Refusal::not_implemented("directory buckets"));
        }
        let asked = configuration.location_constraint;
        let asked = asked.as_ref().map(BucketLocationConstraint::as_str);
        let region = region_for(call.region.as_str(), asked)?;
        let location = Some(format!("/{name}"));
        let (of, at, now) = (name.clone(), region.clone(), self.clock.now());
        let made = self
            .commit(None, move |index| {
                index::bucket::insert(index, &of, &at, now).map(|made| Ok(Change::of(made)))
            })
            .await?;
        // The classic region answers its owner as if the bucket were new.
        if !made && region != CLASSIC_REGION {
            return Err(Refusal::new(
                "BucketAlreadyOwnedByYou",
                409,
                "Your previous request to create the named bucket succeeded and you already own \
                 it.",
            )
            .with("BucketName", name));
        }
        Ok(CreateBucketOutput { location })
    }

    pub(crate) async fn delete_bucket(
        self: &Arc<Self>,
        _call: Call,
        input: DeleteBucketInput,
    ) -> Result<DeleteBucketOutput, Refusal> {
        let name = input.bucket;
        let of = name.clone();
        self.commit(None, move |index| {
            if index::bucket::find(index, &name)?.is_none() {
                return Ok(Err(Refusal::no_such_bucket(&name)));
            }
            if !index::bucket::is_empty(index, &name)? {
                let message = "The bucket you tried to delete is not empty";
                let refusal = Refusal::new("BucketNotEmpty", 409, message);
                return Ok(Err(refusal.with("BucketName", name)));
            }
            let unused = index::upload::take_abandoned(
                index,
                Some(&name),
                flow::Timestamp::from_millis(i64::MAX),
            )?;
            index::bucket::delete(index, &name)?;
            Ok(Ok(Change { value: (), unused, announced: false }))
        })
        .await?;
        self.policies.forget(&of);
        Ok(DeleteBucketOutput::default())
    }

    pub(crate) async fn head_bucket(
        self: &Arc<Self>,
        _call: Call,
        input: HeadBucketInput,
    ) -> Result<HeadBucketOutput, Refusal> {
        let bucket = self.bucket(&input.bucket).await?;
        Ok(HeadBucketOutput { bucket_region: Some(bucket.region), ..HeadBucketOutput::default() })
    }

    pub(crate) async fn get_bucket_location(
        self: &Arc<Self>,
        _call: Call,
        input: GetBucketLocationInput,
    ) -> Result<GetBucketLocationOutput, Refusal> {
        let bucket = self.bucket(&input.bucket).await?;
        Ok(GetBucketLocationOutput { location_constraint: constraint(&bucket.region) })
    }

    pub(crate) async fn list_buckets(
        self: &Arc<Self>,
        _call: Call,
        input: ListBucketsInput,
    ) -> Result<ListBucketsOutput, Refusal> {
        let limit = match input.max_buckets {
            None => BUCKETS_MAX,
            Some(asked) => u32::try_from(asked)
                .ok()
                .filter(|asked| (1..=BUCKETS_MAX).contains(asked))
                .ok_or_else(|| {
                    let message = "Argument max-buckets must be an integer between 1 and 10000";
                    Refusal::invalid_argument(message, "max-buckets", asked.to_string())
                })?,
        };
        let after = input.continuation_token.as_deref().map(token_value).transpose()?;
        let (prefix, after) = (input.prefix.clone().unwrap_or_default(), after.unwrap_or_default());
        let region = input.bucket_region;
        let mut buckets =
            self.read(move |index| index::bucket::list(index, &prefix, &after, limit + 1)).await?;
        let more = buckets.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        if more {
            buckets.pop();
        }
        let next = more.then(|| buckets.last().map(|last| token_of(&last.name))).flatten();
        let buckets = buckets
            .into_iter()
            .filter(|bucket| region.as_ref().is_none_or(|region| *region == bucket.region))
            .map(|bucket| Listed {
                name: Some(bucket.name),
                creation_date: Some(moment::to_s3(bucket.created)),
                bucket_region: Some(bucket.region),
            })
            .collect();
        let owner = Owner { id: Some(self.owner_id()), ..Owner::default() };
        Ok(ListBucketsOutput {
            buckets: Some(buckets),
            owner: Some(owner),
            continuation_token: next,
            prefix: input.prefix,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buckets_name_follows_the_rules_of_s3() {
        for good in ["abc", "my-bucket", "a.b.c", "3bucket3", "aws-cloudtrail-logs-123456789012"] {
            assert_eq!(name_fault(good), None, "{good}");
        }
        let long = "a".repeat(64);
        for bad in [
            "",
            "ab",
            &long,
            "Abc",
            "a_c",
            "-abc",
            "abc-",
            ".abc",
            "a..b",
            "192.168.0.1",
            "xn--abc",
            "sthree-x",
            "abc-s3alias",
            "abc--x-s3",
            "abc\u{e9}",
        ] {
            assert!(name_fault(bad).is_some(), "{bad}");
        }
    }

    fn check(endpoint: &str, asked: Option<&str>, expected: Result<&str, &str>) {
        let region = region_for(endpoint, asked).map_err(|refusal| refusal.code.into_owned());
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(region, expected, "{endpoint} {asked:?}");
    }

    #[test]
    fn a_bucket_is_made_in_the_region_of_the_endpoint() {
        let illegal = Err("IllegalLocationConstraintException");
        check("us-east-1", None, Ok("us-east-1"));
        check("us-east-1", Some("eu-west-1"), Ok("eu-west-1"));
        check("us-east-1", Some("us-east-1"), Err("InvalidLocationConstraint"));
        check("us-east-1", Some("Narnia"), Err("InvalidLocationConstraint"));
        check("us-east-2", None, illegal);
        check("us-east-2", Some("us-east-2"), Ok("us-east-2"));
        check("us-east-2", Some("eu-west-1"), illegal);
    }
}
