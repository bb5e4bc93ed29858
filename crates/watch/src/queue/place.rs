//! What a queue's URL says of where it answers.

use credentials::Access;
use url::Url;

/// `access` with the endpoint and the region that `queue` names, where it names none itself.
pub(super) fn of(queue: &str, access: &Access) -> Result<Access, String> {
    let wrong = || {
        format!(
            "`{}` is no queue's URL: give such as \
             https://sqs.us-east-2.amazonaws.com/123456789012/my-queue",
            queue.escape_default()
        )
    };
    let url = Url::parse(queue).map_err(|_| wrong())?;
    let host = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https"));
    let host = host.ok_or_else(wrong)?;
    if url.path().trim_matches('/').is_empty() {
        return Err(wrong());
    }
    let origin = url.origin().ascii_serialization();
    let (region, endpoint) = match region(host) {
        // AWS's own clients know the way.
        Some((region, true)) => (Some(region.to_owned()), None),
        Some((region, false)) => (Some(region.to_owned()), Some(origin)),
        None => (None, Some(origin)),
    };
    Ok(Access {
        region: access.region.clone().or(region),
        endpoint: access.endpoint.clone().or(endpoint),
        ..access.clone()
    })
}

/// The region in a host of AWS's, and whether it is the service's public endpoint.
fn region(host: &str) -> Option<(&str, bool)> {
    let host = host.strip_suffix(".cn").unwrap_or(host).strip_suffix(".amazonaws.com")?;
    if host == "queue" {
        return Some(("us-east-1", true));
    }
    if let Some(region) = host.strip_suffix(".queue") {
        return Some((region, true));
    }
    let mut labels = host.split('.').skip_while(|label| !matches!(*label, "sqs" | "sqs-fips"));
    let public = host.starts_with("sqs.");
    let (_, region) = (labels.next()?, labels.next()?);
    Some((region, public))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, region: Option<&str>, endpoint: Option<&str>) {
        let found = of(url, &Access::default()).unwrap();
        assert_eq!(
            (found.region.as_deref(), found.endpoint.as_deref()),
            (region, endpoint),
            "{url}"
        );
    }

    #[test]
    fn the_url_names_region_and_endpoint() {
        let local = "http://127.0.0.1:5000/123456789012/q";
        check("https://sqs.us-east-2.amazonaws.com/123456789012/q", Some("us-east-2"), None);
        check("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q", Some("cn-north-1"), None);
        check("https://eu-west-1.queue.amazonaws.com/123456789012/q", Some("eu-west-1"), None);
        check(local, None, Some("http://127.0.0.1:5000"));
        let private = "https://vpce-1.sqs.us-east-2.vpce.amazonaws.com";
        check(&format!("{private}/123456789012/q"), Some("us-east-2"), Some(private));
        let given = Access { endpoint: Some("https://proxy".into()), ..Access::default() };
        assert_eq!(of(local, &given).unwrap().endpoint.as_deref(), Some("https://proxy"));
    }

    #[test]
    fn what_is_no_queues_url_is_refused() {
        for url in ["", "my-queue", "arn:aws:sqs:us-east-2:123456789012:q", "https://sqs.example"] {
            let error = of(url, &Access::default()).unwrap_err();
            assert!(error.contains("no queue's URL"), "{error}");
        }
    }
}
