//! The SNS API: topics, subscriptions, signed deliveries.
