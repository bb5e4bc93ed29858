//! What functions are given: their settings, their neighbours, and the shipped one among them.

use std::sync::Arc;

use flow::{Authorize, Fetch};
use function::{Function, Functions, Ports, Resources};
use identity::Identity;
use queue::Queues;
use topic::Topics;

use crate::{
    config::{Config, Isolation},
    server::{Options, rules::QUESTION_VARIABLE},
    wiring::{
        authorization::Authorization,
        function_to_alert::Findings,
        function_to_bucket::Objects,
        function_to_gateway::InnerEndpoints,
        function_to_identity::{DETECT_ROLE, roles},
        function_to_queue::ToQueues,
        function_to_topic::ToTopics,
        queue_to_function::{FromQueues, filters},
    },
};

/// The name of the shipped function.
const DETECT: &str = "detect";

/// How functions run.
pub(crate) fn settings(options: &Options, endpoint: &str) -> function::Config {
    let Options { config, dir, .. } = options;
    let keys = &config.function;
    function::Config {
        account: config.account_id.clone(),
        region: config.region.clone(),
        retry_waits: keys.retry_waits.iter().map(|wait| wait.millis()).collect(),
        instances_max: keys.instances_max,
        isolation: match keys.isolation {
            Isolation::BestEffort => function::Isolation::BestEffort,
            Isolation::Required => function::Isolation::Required,
        },
        dir: dir.path().join("functions"),
        endpoint: endpoint.to_owned(),
        launcher: options.launcher.clone(),
        python: keys.python.clone(),
        node: keys.node.clone(),
    }
}

/// Whom functions ask.
pub(crate) fn ports(
    options: &Options,
    inner: &InnerEndpoints,
    (identity, authorization): (&Arc<Identity>, &Arc<Authorization>),
    findings: Findings,
    objects: &Arc<Objects>,
    (queues, topics): (&Queues, &Topics),
) -> Ports {
    let inner = inner.clone();
    Ports {
        roles: roles(Arc::clone(identity)),
        settle: Arc::new(findings),
        endpoint: Arc::new(move |listener, gone| inner.serve(listener, gone)),
        authorize: Arc::clone(authorization) as Arc<dyn Authorize>,
        fetch: Arc::clone(objects) as Arc<dyn Fetch>,
        queues: Arc::new(ToQueues(queues.clone())),
        topics: Arc::new(ToTopics(topics.clone())),
        source: Arc::new(FromQueues(queues.clone())),
        filters: filters(),
        clock: Arc::clone(&options.clock),
        chance: Arc::clone(&options.chance),
    }
}

/// The code of functions, for those who were told where it lies.
pub(crate) fn downloads(functions: &Functions) -> gateway::Downloads {
    let functions = functions.clone();
    Arc::new(move |path| {
        let functions = functions.clone();
        Box::pin(async move {
            let bytes = functions.download(&path).await?;
            Some(gateway::Page { content_type: "application/zip".to_owned(), bytes })
        })
    })
}

/// The shipped function, without its rules.
pub(crate) fn detect(options: &Options) -> Function {
    let Config { account_id, rule, function, .. } = &options.config;
    // Its role says what it may read: the events are our own.
    let mut env = vec![("TRAILHOUND_BUCKETS".into(), "*".into())];
    if !rule.when.is_empty() {
        env.push((QUESTION_VARIABLE.into(), rule.when.clone().into()));
    }
    Function {
        name: DETECT.to_owned(),
        arn: detect_arn(&options.config),
        command: options.detect.clone(),
        env,
        findings: true,
        role: format!("arn:aws:iam::{account_id}:role/{DETECT_ROLE}"),
        readable: Vec::new(),
        resources: Resources {
            timeout_millis: function.timeout.millis(),
            memory_bytes: function.memory_mib * 1024 * 1024,
            ..Resources::LARGE
        },
    }
}

/// The ARN of the shipped function.
pub(crate) fn detect_arn(config: &Config) -> String {
    let (account, region) = (&config.account_id, &config.region);
    format!("arn:aws:lambda:{region}:{account}:function:{DETECT}")
}
