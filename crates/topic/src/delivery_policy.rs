//! Delivery policies: how often, and after which waits, a message is offered over HTTP.
//!
//! The members: "Creating an HTTP/S delivery policy" in the SNS developer guide.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Bounds of a policy (same page): retries, and seconds of one wait and of all of them.
const RETRIES_MAX: u32 = 100;
const WAIT_SECONDS_MAX: u32 = 3600;

/// What a message's Content-Type may be (same page).
const CONTENT_TYPES: [&str; 14] = [
    "application/json",
    "application/octet-stream",
    "application/soap+xml",
    "application/x-www-form-urlencoded",
    "application/xml",
    "audio/mpeg",
    "image/gif",
    "image/jpeg",
    "text/css",
    "text/csv",
    "text/html",
    "text/plain",
    "text/plain; charset=UTF-8",
    "text/xml",
];

/// When an endpoint that fails is tried again (`healthyRetryPolicy`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct RetryPolicy {
    min_delay_target: u32,
    max_delay_target: u32,
    num_retries: u32,
    num_max_delay_retries: u32,
    num_no_delay_retries: u32,
    num_min_delay_retries: u32,
    backoff_function: BackOffFunction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BackOffFunction {
    Linear,
    Arithmetic,
    Geometric,
    Exponential,
}

impl Default for RetryPolicy {
    /// SNS's own.
    fn default() -> Self {
        Self {
            min_delay_target: 20,
            max_delay_target: 20,
            num_retries: 3,
            num_max_delay_retries: 0,
            num_no_delay_retries: 0,
            num_min_delay_retries: 0,
            backoff_function: BackOffFunction::Linear,
        }
    }
}

impl RetryPolicy {
    /// The wait in milliseconds after `attempts` tries (the first is 1); `None` where that was the
    /// last.
    pub(crate) fn wait_millis(&self, attempts: u32) -> Option<i64> {
        if attempts > self.num_retries {
            return None;
        }
        let (low, high) = (i64::from(self.min_delay_target), i64::from(self.max_delay_target));
        let fixed = self.num_no_delay_retries + self.num_min_delay_retries;
        let growing = self.num_retries.saturating_sub(fixed + self.num_max_delay_retries);
        let seconds = if attempts <= self.num_no_delay_retries {
            0
        } else if attempts <= fixed {
            low
        } else if attempts <= fixed + growing {
            self.backoff_function.between(low, high, attempts - fixed - 1, growing)
        } else {
            high
        };
        Some(seconds * 1000)
    }

    fn check(&self) -> Result<(), String> {
        let fixed = u64::from(self.num_no_delay_retries)
            + u64::from(self.num_min_delay_retries)
            + u64::from(self.num_max_delay_retries);
        if self.num_retries > RETRIES_MAX {
            return Err(format!("numRetries must be at most {RETRIES_MAX}"));
        }
        if fixed > u64::from(self.num_retries) {
            return Err("numRetries must be at least the sum of the retries of each phase".into());
        }
        if self.min_delay_target == 0 || self.min_delay_target > self.max_delay_target {
            return Err("minDelayTarget must be at least 1 and at most maxDelayTarget".into());
        }
        let waits = (1..=self.num_retries).filter_map(|attempts| self.wait_millis(attempts));
        if self.max_delay_target > WAIT_SECONDS_MAX
            || waits.sum::<i64>() > i64::from(WAIT_SECONDS_MAX) * 1000
        {
            return Err(format!("all waits together must be at most {WAIT_SECONDS_MAX} seconds"));
        }
        Ok(())
    }
}

impl BackOffFunction {
    /// The wait at `step` of `steps`, from 0: evenly; with the square or the cube of the step; or
    /// doubling.
    fn between(self, low: i64, high: i64, step: u32, steps: u32) -> i64 {
        let part = |power: u32| {
            let (step, last) = (i64::from(step).pow(power), i64::from(steps - 1).pow(power));
            low + (high - low) * step / last.max(1)
        };
        match self {
            Self::Linear => part(1),
            Self::Arithmetic => part(2),
            Self::Geometric => part(3),
            Self::Exponential => low.saturating_mul(1 << step.min(40)).min(high),
        }
    }
}

/// What is asked of the request (`requestPolicy`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RequestPolicy {
    header_content_type: Option<String>,
}

/// A topic's policy.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfTopic {
    #[serde(default)]
    http: TopicHttp,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TopicHttp {
    default_healthy_retry_policy: Option<RetryPolicy>,
    #[serde(default)]
    disable_subscription_overrides: bool,
    default_throttle_policy: Option<Value>,
    default_request_policy: Option<RequestPolicy>,
}

/// A subscription's policy.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfSubscription {
    healthy_retry_policy: Option<RetryPolicy>,
    sickly_retry_policy: Option<Value>,
    throttle_policy: Option<Value>,
    request_policy: Option<RequestPolicy>,
    guaranteed: Option<bool>,
}

/// What holds for one subscription.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Effective {
    pub(crate) retry: RetryPolicy,
    /// `None` for SNS's own.
    pub(crate) content_type: Option<String>,
}

fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|why| format!("DeliveryPolicy: {why}"))
}

fn check(
    retry: Option<&RetryPolicy>,
    request: Option<&RequestPolicy>,
    unoffered: &[(&str, bool)],
) -> Result<(), String> {
    if let Some((name, _)) = unoffered.iter().find(|(_, given)| *given) {
        return Err(format!("DeliveryPolicy: {name} is not offered by this server"));
    }
    retry.map_or(Ok(()), RetryPolicy::check).map_err(|why| format!("DeliveryPolicy: {why}"))?;
    match request.and_then(|request| request.header_content_type.as_deref()) {
        Some(kind) if !CONTENT_TYPES.contains(&kind) => {
            Err(format!("DeliveryPolicy: headerContentType must be one of {CONTENT_TYPES:?}"))
        }
        _ => Ok(()),
    }
}

/// Checks a topic's policy; an error says what is wrong with it.
pub(crate) fn check_topic(text: &str) -> Result<(), String> {
    let OfTopic { http } = read(text)?;
    let throttled = http.default_throttle_policy.is_some();
    let unoffered = [("defaultThrottlePolicy", throttled)];
    let request = http.default_request_policy.as_ref();
    check(http.default_healthy_retry_policy.as_ref(), request, &unoffered)
}

/// Checks a subscription's policy; an error says what is wrong with it.
pub(crate) fn check_subscription(text: &str) -> Result<(), String> {
    let given: OfSubscription = read(text)?;
    let unoffered = [
        ("throttlePolicy", given.throttle_policy.is_some()),
        ("sicklyRetryPolicy", given.sickly_retry_policy.is_some()),
        ("guaranteed", given.guaranteed == Some(true)),
    ];
    check(given.healthy_retry_policy.as_ref(), given.request_policy.as_ref(), &unoffered)
}

/// What holds, of the topic's policy and the subscription's own. Both were checked when they were
/// set.
pub(crate) fn effective(topic: Option<&str>, subscription: Option<&str>) -> Effective {
    let topic: OfTopic = topic.and_then(|text| read(text).ok()).unwrap_or_default();
    let OfTopic { http } = topic;
    let own: OfSubscription = subscription
        .filter(|_| !http.disable_subscription_overrides)
        .and_then(|text| read(text).ok())
        .unwrap_or_default();
    let retry = own.healthy_retry_policy.or(http.default_healthy_retry_policy);
    let request = own.request_policy.or(http.default_request_policy).unwrap_or_default();
    Effective { retry: retry.unwrap_or_default(), content_type: request.header_content_type }
}

impl Effective {
    fn request(&self) -> Value {
        let kind = self.content_type.as_deref().unwrap_or("text/plain; charset=UTF-8");
        json!({ "headerContentType": kind })
    }

    /// `EffectiveDeliveryPolicy` of a subscription.
    pub(crate) fn of_subscription(&self) -> String {
        json!({
            "healthyRetryPolicy": self.retry,
            "sicklyRetryPolicy": null,
            "throttlePolicy": null,
            "requestPolicy": self.request(),
            "guaranteed": false,
        })
        .to_string()
    }

    /// `EffectiveDeliveryPolicy` of a topic whose own policy is `text`.
    pub(crate) fn of_topic(text: Option<&str>) -> String {
        let own = effective(text, None);
        let topic: OfTopic = text.and_then(|text| read(text).ok()).unwrap_or_default();
        json!({"http": {
            "defaultHealthyRetryPolicy": own.retry,
            "disableSubscriptionOverrides": topic.http.disable_subscription_overrides,
            "defaultRequestPolicy": own.request(),
        }})
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(policy: &Value) -> Vec<i64> {
        let text = json!({ "healthyRetryPolicy": policy }).to_string();
        check_subscription(&text).unwrap();
        let retry = effective(None, Some(&text)).retry;
        (1..).map_while(|attempts| retry.wait_millis(attempts)).map(|ms| ms / 1000).collect()
    }

    #[test]
    fn without_a_policy_there_are_three_retries_twenty_seconds_apart() {
        assert_eq!(waits(&json!({})), [20, 20, 20]);
    }

    #[test]
    fn each_phase_has_its_waits() {
        let policy = |function: &str| {
            json!({
                "numRetries": 9, "numNoDelayRetries": 1, "numMinDelayRetries": 1,
                "numMaxDelayRetries": 2, "minDelayTarget": 1, "maxDelayTarget": 9,
                "backoffFunction": function
            })
        };
        assert_eq!(waits(&policy("linear")), [0, 1, 1, 3, 5, 7, 9, 9, 9]);
        assert_eq!(waits(&policy("arithmetic")), [0, 1, 1, 1, 3, 5, 9, 9, 9]);
        assert_eq!(waits(&policy("exponential")), [0, 1, 1, 2, 4, 8, 9, 9, 9]);
    }

    #[test]
    fn a_policy_that_is_not_honoured_is_refused() {
        for (text, expected) in [
            (r#"{"healthyRetryPolicy":{"numRetries":101}}"#, "at most 100"),
            (r#"{"healthyRetryPolicy":{"numRetries":1,"numNoDelayRetries":2}}"#, "sum"),
            (r#"{"healthyRetryPolicy":{"minDelayTarget":30}}"#, "at most maxDelayTarget"),
            (r#"{"healthyRetryPolicy":{"numRetries":100,"maxDelayTarget":3600}}"#, "3600 seconds"),
            (r#"{"throttlePolicy":{"maxReceivesPerSecond":1}}"#, "throttlePolicy is not offered"),
            (r#"{"requestPolicy":{"headerContentType":"a/b"}}"#, "headerContentType"),
            (r#"{"nonsense":1}"#, "nonsense"),
            ("nonsense", "DeliveryPolicy"),
        ] {
            let why = check_subscription(text).unwrap_err();
            assert!(why.contains(expected), "{text}: {why}");
        }
    }

    #[test]
    fn a_topic_may_forbid_what_subscriptions_say() {
        let topic = r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":5},
            "disableSubscriptionOverrides":true}}"#;
        check_topic(topic).unwrap();
        let own = r#"{"healthyRetryPolicy":{"numRetries":7}}"#;
        assert_eq!(effective(Some(topic), Some(own)).retry.num_retries, 5);
        let topic = topic.replace("true", "false");
        assert_eq!(effective(Some(&topic), Some(own)).retry.num_retries, 7);
    }
}
