//! What tests set up by signed calls: buckets and trails.

use bytes::Bytes;
use flow::{Configuration, EventKind, Filter, NotificationConfiguration, TargetKind, Tree};

use crate::hand::Hand;

const XMLNS: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

impl Hand {
    /// Makes a bucket in `region`.
    ///
    /// # Errors
    /// As [`client::Client::s3`].
    pub async fn create_bucket(&self, name: &str, region: &str) -> Result<(), client::Error> {
        let body = format!(
            "<CreateBucketConfiguration xmlns=\"{XMLNS}\"><LocationConstraint>{region}\
             </LocationConstraint></CreateBucketConfiguration>"
        );
        self.s3("PUT", &format!("/{name}"), body).await.map(drop)
    }

    /// Has `bucket` tell the function `arn` of every object that is created in it.
    ///
    /// # Errors
    /// As [`client::Client::s3`].
    pub async fn notify(&self, bucket: &str, arn: &str) -> Result<(), client::Error> {
        self.configure(bucket, &notification([(TargetKind::Function, arn, "")])).await
    }

    /// Gives `bucket` this notification configuration.
    ///
    /// # Errors
    /// As [`client::Client::s3`].
    pub async fn configure(
        &self,
        bucket: &str,
        configuration: &NotificationConfiguration,
    ) -> Result<(), client::Error> {
        let all: String = configuration.configurations.iter().map(element).collect();
        let body = format!(
            "<NotificationConfiguration xmlns=\"{XMLNS}\">{all}</NotificationConfiguration>"
        );
        self.s3("PUT", &format!("/{bucket}?notification"), body).await.map(drop)
    }

    /// Makes a trail and starts it.
    ///
    /// # Errors
    /// As [`client::Client::call`].
    pub async fn start_trail(&self, name: &str, bucket: &str) -> Result<(), client::Error> {
        let input = [("Name", name), ("S3BucketName", bucket)];
        self.call("cloudtrail", "CreateTrail", &input).await?;
        self.call("cloudtrail", "StartLogging", &[("Name", name)]).await.map(drop)
    }

    /// What a trail says of itself.
    ///
    /// # Errors
    /// As [`client::Client::call`].
    pub async fn trail_status(&self, name: &str) -> Result<Tree, client::Error> {
        self.call("cloudtrail", "GetTrailStatus", &[("Name", name)]).await
    }

    /// Puts an object; `path` is `bucket/key`, percent-encoded.
    ///
    /// # Errors
    /// As [`client::Client::s3`].
    pub async fn put(&self, path: &str, body: impl Into<Bytes>) -> Result<(), client::Error> {
        self.s3("PUT", &format!("/{path}"), body).await.map(drop)
    }
}

/// Each target is told of every object that is created under its prefix.
pub fn notification<'a>(
    targets: impl IntoIterator<Item = (TargetKind, &'a str, &'a str)>,
) -> NotificationConfiguration {
    let of = |(kind, arn, prefix): (TargetKind, &str, &str)| Configuration {
        id: format!("{kind:?}-{prefix}"),
        kind,
        arn: arn.to_owned(),
        events: vec![EventKind("s3:ObjectCreated:*".to_owned())],
        filter: Filter { prefix: Some(prefix.to_owned()), suffix: None },
    };
    NotificationConfiguration { configurations: targets.into_iter().map(of).collect() }
}

/// A configuration as S3 spells it; what is in it is ours and needs no escape.
fn element(of: &Configuration) -> String {
    let (element, target) = match of.kind {
        TargetKind::Function => ("CloudFunctionConfiguration", "CloudFunction"),
        TargetKind::Queue => ("QueueConfiguration", "Queue"),
        TargetKind::Topic => ("TopicConfiguration", "Topic"),
    };
    let events: String =
        of.events.iter().map(|kind| format!("<Event>{}</Event>", kind.0)).collect();
    let rule = |name: &str, value: &Option<String>| {
        let rule = |value: &String| {
            format!("<FilterRule><Name>{name}</Name><Value>{value}</Value></FilterRule>")
        };
        value.as_ref().map(rule).unwrap_or_default()
    };
    let rules = rule("prefix", &of.filter.prefix) + &rule("suffix", &of.filter.suffix);
    format!(
        "<{element}><Id>{}</Id><{target}>{}</{target}>{events}\
         <Filter><S3Key>{rules}</S3Key></Filter></{element}>",
        of.id, of.arn
    )
}
