//! What a call asks for: the actions as policies name them, on which resources.

mod iam;
mod lambda;
pub(crate) mod s3;
mod sqs;

use flow::{Access, Tree};
use http::header;

use crate::{anonymous::OPEN_OPERATIONS, identify::Identified, route::Route, visit::Visit};

/// An identified call.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) visit: &'a Visit,
    pub(crate) caller: &'a Identified,
    pub(crate) route: &'a Route,
    pub(crate) input: &'a Tree,
}

impl Asked<'_> {
    /// What must be allowed for this call, all of it.
    pub(crate) fn accesses(&self) -> Vec<Access> {
        let operation = self.route.operation.as_deref().unwrap_or("Unknown");
        let service = self.route.service_name();
        if self.caller.is_nobody() && service == Some("sns") && OPEN_OPERATIONS.contains(&operation)
        {
            return Vec::new();
        }
        let one = match service {
            Some("s3") => return s3::accesses(&self.visit.parts, operation),
            Some("sts") => return self.sts(operation).into_iter().collect(),
            Some("sns") => self.sns(operation),
            Some("sqs") => sqs::access(self, operation),
            Some("lambda") => lambda::access(self, operation),
            Some("iam") => iam::access(self, operation),
            Some("cloudtrail") => self.cloudtrail(operation),
            _ => {
                let name = &self.caller.signing_name;
                Access::new(format!("{name}:{operation}"), "*")
            }
        };
        vec![one]
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.input.text(name)
    }

    /// The ARN of a resource of the caller's own account in the region of the call.
    fn arn(&self, service: &str, resource: &str) -> String {
        let (region, account) = (&self.caller.region, &self.caller.caller.account);
        format!("arn:aws:{service}:{region}:{account}:{resource}")
    }

    /// Who asks for their own name or their own session needs nobody's leave
    /// (`API_GetCallerIdentity`, `API_GetSessionToken`).
    fn sts(&self, operation: &str) -> Option<Access> {
        match operation {
            "GetCallerIdentity" | "GetSessionToken" => None,
            "AssumeRole" => {
                let role = self.text("RoleArn").unwrap_or("*");
                let mut access = Access::new("sts:AssumeRole", role);
                for (key, name) in
                    [("sts:ExternalId", "ExternalId"), ("sts:RoleSessionName", "RoleSessionName")]
                {
                    if let Some(value) = self.text(name) {
                        access = access.with(key, value);
                    }
                }
                Some(access)
            }
            other => Some(Access::new(format!("sts:{other}"), "*")),
        }
    }

    fn sns(&self, operation: &str) -> Access {
        let action = if operation == "PublishBatch" { "Publish" } else { operation };
        let topic = ["TopicArn", "TargetArn", "ResourceArn"].iter().find_map(|n| self.text(n));
        let resource = if let Some(arn) = topic {
            arn.to_owned()
        } else if let Some(arn) = self.text("SubscriptionArn") {
            // A subscription's ARN is its topic's, with an id behind.
            arn.splitn(7, ':').take(6).collect::<Vec<_>>().join(":")
        } else if let ("CreateTopic", Some(name)) = (operation, self.text("Name")) {
            self.arn("sns", name)
        } else {
            "*".to_owned()
        };
        // SNS's own messages write the service's name so; policies' letters may be of either case.
        let mut access = Access::new(format!("SNS:{action}"), resource);
        if operation == "Subscribe" {
            for (key, name) in [("sns:Protocol", "Protocol"), ("sns:Endpoint", "Endpoint")] {
                if let Some(value) = self.text(name) {
                    access = access.with(key, value);
                }
            }
        }
        access
    }

    fn cloudtrail(&self, operation: &str) -> Access {
        let named = ["Name", "TrailName", "ResourceId", "ResourceArn"];
        let resource = match named.iter().find_map(|name| self.text(name)) {
            Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
            Some(name) => self.arn("cloudtrail", &format!("trail/{name}")),
            None => "*".to_owned(),
        };
        Access::new(format!("cloudtrail:{operation}"), resource)
    }
}

/// The condition keys that every request has: what its connection and its head say.
pub(crate) fn common(visit: &Visit, caller: &Identified) -> Vec<(String, String)> {
    let headers = &visit.parts.headers;
    let secure = visit.endpoint.starts_with("https:");
    let mut head = vec![
        ("aws:SourceIp".to_owned(), visit.source_ip.clone()),
        ("aws:SecureTransport".to_owned(), secure.to_string()),
        ("aws:RequestedRegion".to_owned(), caller.region.to_string()),
    ];
    for (key, name) in [("aws:UserAgent", header::USER_AGENT), ("aws:Referer", header::REFERER)] {
        if let Some(value) = headers.get(name).and_then(|value| value.to_str().ok()) {
            head.push((key.to_owned(), value.to_owned()));
        }
    }
    head
}
