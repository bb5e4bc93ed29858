//! What tests set up by signed calls.

use bytes::Bytes;
use flow::Tree;

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
        let body = format!(
            "<NotificationConfiguration xmlns=\"{XMLNS}\"><CloudFunctionConfiguration>\
             <Id>all</Id><CloudFunction>{arn}</CloudFunction><Event>s3:ObjectCreated:*</Event>\
             </CloudFunctionConfiguration></NotificationConfiguration>"
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
