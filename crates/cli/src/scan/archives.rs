//! How a scan reads buckets, by its arguments; and what it would read.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    process::ExitCode,
};

use anyhow::bail;
use credentials::Access;
use scan::{Archives, Progress, Resume, Source};

use crate::{args::Scan, output};

/// How buckets are read.
pub(super) fn archives(args: &Scan) -> anyhow::Result<Archives> {
    let bucket = &args.bucket;
    let access = Access {
        profile: bucket.profile.clone(),
        role_arn: bucket.role_arn.clone(),
        external_id: bucket.external_id.clone(),
        endpoint: bucket.endpoint_url.clone(),
        region: bucket.bucket_region.clone(),
        anonymous: bucket.no_sign_request,
        requester_pays: bucket.requester_pays,
        ..Access::default()
    };
    Ok(Archives {
        access,
        requests_per_second: bucket.requests_per_second,
        at_a_time_max: bucket.requests_at_a_time,
        resume: resume(args)?,
    })
}

fn resume(args: &Scan) -> anyhow::Result<Option<Resume>> {
    let Some(file) = &args.bucket.resume else { return Ok(None) };
    only_buckets(args, "--resume")?;
    Ok(Some(Resume::open(file, arguments(args))?))
}

/// What decides what is read and found. Two scans that differ in it cannot be one.
fn arguments(args: &Scan) -> BTreeMap<String, String> {
    fn words(words: impl IntoIterator<Item: AsRef<OsStr>>) -> String {
        let words = words.into_iter().map(|word| word.as_ref().to_string_lossy().into_owned());
        words.collect::<Vec<_>>().join(" ")
    }
    let all = [
        ("PATH", words(&args.paths)),
        ("--rules", words(&args.rules)),
        ("--when", words(&args.when)),
        ("--from", words(&args.from)),
        ("--to", words(&args.to)),
        ("--account", words(&args.account)),
        ("--region", words(&args.region)),
        ("--endpoint-url", words(&args.bucket.endpoint_url)),
    ];
    let given = all.into_iter().filter(|(_, value)| !value.is_empty());
    given.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Says what a scan would read, and reads nothing.
pub(super) fn plan(
    args: &Scan,
    asked: &scan::Scan<'_>,
    progress: &Progress,
) -> anyhow::Result<ExitCode> {
    only_buckets(args, "--plan")?;
    let mut is_bad = false;
    for source in &asked.sources {
        let Source::Archive { bucket, prefix } = source else { continue };
        match scan::plan(bucket, prefix, &asked.window, &asked.archives, progress) {
            Ok(plan) => {
                plan.to_string().lines().for_each(|line| output::line(&output::safe(line)));
                is_bad |= plan.is_stopped || !plan.failures.is_empty();
                for failure in &plan.failures {
                    output::error(&super::summary::failure(failure));
                }
            }
            Err(failure) => {
                is_bad = true;
                output::error(&super::summary::failure(&failure));
            }
        }
    }
    Ok(ExitCode::from(if is_bad { 2 } else { 0 }))
}

fn only_buckets(args: &Scan, what: &str) -> anyhow::Result<()> {
    let is_bucket = |path: &OsString| matches!(Source::of(path), Source::Archive { .. });
    match args.paths.iter().find(|path| !is_bucket(path)) {
        None => Ok(()),
        Some(path) => {
            let path = output::safe(&path.to_string_lossy());
            bail!("{what} is for s3://BUCKET/PREFIX, and `{path}` is none")
        }
    }
}
