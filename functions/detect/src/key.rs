//! What an object is, as far as its key tells.

/// What a key promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// A CloudTrail log file: what does not read as one is malformed.
    Log,
    /// Something else that AWS keeps beside the logs: not worth a request.
    NotALog,
    /// Nothing: the bytes must tell.
    Unknown,
}

/// Reads `[prefix/]AWSLogs/[o-ORG/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/FILE.json.gz` and its kin.
pub fn promise(key: &str) -> Promise {
    if key.ends_with('/') {
        // A marker: CloudTrail writes one to try the bucket, consoles write them as folders.
        return Promise::NotALog;
    }
    let mut parts = key.split('/').skip_while(|part| *part != "AWSLogs").skip(1).peekable();
    parts.next_if(|part| part.starts_with("o-"));
    let account = |part: &&str| part.len() == 12 && part.bytes().all(|b| b.is_ascii_digit());
    match (parts.next().filter(account), parts.next(), parts.count()) {
        (Some(_), Some("CloudTrail"), 1..) if is_log_name(key) => Promise::Log,
        (Some(_), Some("CloudTrail-Digest" | "CloudTrail-Insight"), 1..) => Promise::NotALog,
        // CloudTrail may come to keep other records beside these.
        (Some(_), Some(folder), _) if folder.starts_with("CloudTrail") => Promise::Unknown,
        // The logs of other services: Config, load balancers, flow logs …
        (Some(_), Some(_), 1..) => Promise::NotALog,
        _ => Promise::Unknown,
    }
}

fn is_log_name(key: &str) -> bool {
    key.ends_with(".json.gz") || key.ends_with(".json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_promise_what_aws_writes_under_them() {
        let log = "AWSLogs/123456789012/CloudTrail/us-east-2/2026/11/22/123456789012_CloudTrail_us-east-2_20261122T1000Z_abcdefghijklmnop.json.gz";
        let check = |key: &str, wanted| assert_eq!(promise(key), wanted, "{key}");
        check(log, Promise::Log);
        check(&format!("some/prefix/{log}"), Promise::Log);
        check(&log.replace("AWSLogs/", "AWSLogs/o-exampleorg/"), Promise::Log);
        check(log.trim_end_matches(".gz"), Promise::Log);
        check(&log.replace("/CloudTrail/", "/CloudTrail-Digest/"), Promise::NotALog);
        check(&log.replace("/CloudTrail/", "/CloudTrail-Insight/"), Promise::NotALog);
        check(&log.replace("/CloudTrail/", "/Config/"), Promise::NotALog);
        check(&log.replace("/CloudTrail/", "/CloudTrail-New/"), Promise::Unknown);
        check("AWSLogs/123456789012/CloudTrail/", Promise::NotALog);
        check("folder/", Promise::NotALog);
        check(&log.replace(".json.gz", ".csv"), Promise::Unknown);
        check("records.json.gz", Promise::Unknown);
        check("AWSLogs/readme.txt", Promise::Unknown);
        check("AWSLogs", Promise::Unknown);
        check("", Promise::Unknown);
    }
}
