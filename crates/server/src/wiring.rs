//! Where rooms meet: one small file for each arrow between them.

pub(crate) mod authorization;
pub(crate) mod bucket_to_notification;
pub(crate) mod bucket_to_target;
pub(crate) mod function_to_alert;
pub(crate) mod function_to_bucket;
pub(crate) mod function_to_gateway;
pub(crate) mod function_to_identity;
pub(crate) mod function_to_queue;
pub(crate) mod function_to_topic;
pub(crate) mod notification_to_function;
pub(crate) mod queue_to_function;
pub(crate) mod trail_to_bucket;
pub(crate) mod trail_to_journal;
