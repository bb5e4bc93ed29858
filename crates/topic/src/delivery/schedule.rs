//! When a delivery is tried again ("Amazon SNS message delivery retries" in the SNS developer
//! guide).

use crate::delivery::Delivery;

/// Retries of queues and functions. SNS has 100,015 over 23 days; what fails for a day on one
/// server waits for somebody to look at it.
const INSIDE_RETRIES_MAX: u32 = 300;
/// The longest wait before one of them, in milliseconds.
const INSIDE_WAIT_MILLIS_MAX: i64 = 300_000;
/// Retries of mail.
const MAIL_RETRIES_MAX: u32 = 50;
/// The longest wait before one of them, in milliseconds.
const MAIL_WAIT_MILLIS_MAX: i64 = 600_000;
/// Tries of any delivery.
pub(super) const TRIES_MAX: u32 = INSIDE_RETRIES_MAX + 1;

/// The wait after `attempts` tries (the first is 1), in milliseconds; `None` where that was the
/// last.
pub(super) fn wait_millis(delivery: &Delivery, attempts: u32) -> Option<i64> {
    let protocol = delivery.protocol;
    if protocol.is_http() {
        delivery.policy.retry.wait_millis(attempts)
    } else if protocol.is_mail() {
        mail(attempts)
    } else {
        inside(attempts)
    }
}

/// Three retries at once, two after a second, then doubling: SNS's beginning, and longer waits
/// where SNS goes on every twenty seconds.
fn inside(attempts: u32) -> Option<i64> {
    (attempts <= INSIDE_RETRIES_MAX).then(|| match attempts {
        0..=3 => 0,
        4..=5 => 1_000,
        _ => (1_000_i64 << (attempts - 5).min(20)).min(INSIDE_WAIT_MILLIS_MAX),
    })
}

/// Two retries after ten seconds, ten doubling from there to ten minutes, then every ten minutes.
fn mail(attempts: u32) -> Option<i64> {
    (attempts <= MAIL_RETRIES_MAX).then(|| match attempts {
        0..=2 => 10_000,
        _ => (10_000_i64 << (attempts - 2).min(20)).min(MAIL_WAIT_MILLIS_MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_and_functions_are_tried_for_a_day() {
        let waits: Vec<_> = (1..=9).filter_map(inside).collect();
        assert_eq!(waits, [0, 0, 0, 1000, 1000, 2000, 4000, 8000, 16000]);
        let all: i64 = (1..).map_while(inside).sum();
        assert!((86_000_000..90_000_000).contains(&all), "{all}");
    }

    #[test]
    fn mail_is_tried_for_some_hours() {
        assert_eq!((1..).map_while(mail).count(), 50);
        let all: i64 = (1..).map_while(mail).sum();
        assert!(all > 6 * 3_600_000, "{all}");
    }
}
