//! Which rules the function asks: the shipped ones, a folder's, or a bucket's.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectStore, ObjectStoreExt, path};
use rule::{Loaded, RuleSet};
use tracing::warn;

use crate::{env::Environment, folder};

/// Where layers are unpacked.
const LAYER: &str = "/opt/rules";
/// The folder beside `bootstrap`.
const PACKAGE: &str = "rules";
/// What asks for the rules that are compiled in, whatever folders there are.
const SHIPPED: &str = "shipped";
/// The most objects under a prefix that are looked at.
const OBJECTS_MAX: usize = 10_000;
/// How large one file of rules may be, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// How large all of them may be together, in bytes.
const ALL_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// How many are fetched at the same time.
const FETCHES_AT_ONCE: usize = 16;

/// Where rules come from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Shipped,
    Folder(PathBuf),
    Bucket { bucket: String, prefix: String },
}

impl Source {
    /// What `TRAILHOUND_RULES` says; without it the package's own folder, else a layer's, else the
    /// shipped rules.
    fn of(environment: &Environment, is_folder: fn(&Path) -> bool) -> anyhow::Result<Self> {
        match environment.rules.as_deref() {
            Some(SHIPPED) => Ok(Self::Shipped),
            Some(text) => match text.strip_prefix("s3://") {
                Some(place) => {
                    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
                    ensure!(!bucket.is_empty(), "TRAILHOUND_RULES: give s3://BUCKET/PREFIX");
                    let prefix = prefix.trim_matches('/').to_owned();
                    Ok(Self::Bucket { bucket: bucket.to_owned(), prefix })
                }
                None => Ok(Self::Folder(text.into())),
            },
            None => {
                let package = environment.task_root.as_ref().map(|root| root.join(PACKAGE));
                let folders = [package, Some(LAYER.into())];
                let found = folders.into_iter().flatten().find(|folder| is_folder(folder));
                Ok(found.map_or(Self::Shipped, Self::Folder))
            }
        }
    }
}

/// The rules that the environment names, and its question.
///
/// # Errors
/// They cannot be read, or none of them can be honoured.
pub(crate) async fn rules(environment: &Environment) -> anyhow::Result<RuleSet> {
    let question = environment.when.as_deref().filter(|text| !text.is_empty()).map(rule::when);
    let question = question.transpose().context("TRAILHOUND_WHEN")?;
    Ok(named(environment).await?.with(question))
}

async fn named(environment: &Environment) -> anyhow::Result<RuleSet> {
    let (loaded, place) = match Source::of(environment, Path::is_dir)? {
        Source::Shipped => return Ok(RuleSet::shipped()),
        Source::Folder(folder) => (folder::load_rules(&folder)?, folder.display().to_string()),
        Source::Bucket { bucket, prefix } => {
            let place = format!("s3://{bucket}/{prefix}");
            let store = environment.open_bucket()?(&bucket)?;
            let loaded = from_bucket(store.as_ref(), &prefix, &place).await;
            (loaded.with_context(|| format!("the rules of {place} cannot be read"))?, place)
        }
    };
    for problem in &loaded.problems {
        warn!(rule.file = problem.file, rule.line = problem.line, "Refused a rule: {problem}");
    }
    ensure!(loaded.rules.rules().len() > 0, "no rule in {place} can be honoured");
    Ok(loaded.rules)
}

async fn from_bucket(store: &dyn ObjectStore, prefix: &str, place: &str) -> anyhow::Result<Loaded> {
    let under = (!prefix.is_empty()).then(|| path::Path::parse(prefix)).transpose()?;
    let mut listed = store.list(under.as_ref());
    let (mut wanted, mut seen, mut bytes) = (Vec::new(), 0, 0);
    while let Some(found) = listed.try_next().await? {
        seen += 1;
        ensure!(seen <= OBJECTS_MAX, "there are more than {OBJECTS_MAX} objects");
        if !found.location.filename().is_some_and(rule::is_rule_file) {
            continue;
        }
        if found.size > FILE_BYTES_MAX {
            bail!("{} is larger than {FILE_BYTES_MAX} bytes", found.location);
        }
        bytes += found.size;
        ensure!(bytes <= ALL_BYTES_MAX, "they are larger than {ALL_BYTES_MAX} bytes together");
        wanted.push(found.location);
    }
    // As a folder's: by name, the same order always.
    wanted.sort();
    let name = |at: &path::Path| PathBuf::from(format!("{place}/{}", relative(at, prefix)));
    let files = stream::iter(wanted)
        .map(|at| async move {
            let file = store.get(&at).await?.bytes().await?;
            anyhow::Ok((name(&at), file.to_vec()))
        })
        .buffered(FETCHES_AT_ONCE)
        .try_collect()
        .await?;
    Ok(folder::load_rule_files(files))
}

fn relative<'a>(at: &'a path::Path, prefix: &str) -> &'a str {
    at.as_ref().strip_prefix(prefix).unwrap_or(at.as_ref()).trim_start_matches('/')
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    fn source(rules: Option<&str>, is_folder: fn(&Path) -> bool) -> anyhow::Result<Source> {
        let environment = Environment {
            rules: rules.map(str::to_owned),
            task_root: Some("/var/task".into()),
            ..Environment::default()
        };
        Source::of(&environment, is_folder)
    }

    #[test]
    fn what_is_told_wins_then_the_package_then_a_layer() {
        let nowhere = |_: &Path| false;
        let layer = |path: &Path| path == Path::new("/opt/rules");
        let check = |rules, is_folder, wanted| {
            assert_eq!(source(rules, is_folder).unwrap(), wanted, "{rules:?}");
        };
        let bucket = |bucket: &str, prefix: &str| Source::Bucket {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        };
        check(None, nowhere, Source::Shipped);
        check(None, layer, Source::Folder("/opt/rules".into()));
        check(None, |_| true, Source::Folder("/var/task/rules".into()));
        check(Some("shipped"), |_| true, Source::Shipped);
        check(Some("/opt/mine"), nowhere, Source::Folder("/opt/mine".into()));
        check(Some("s3://b"), nowhere, bucket("b", ""));
        check(Some("s3://b/a/rules/"), nowhere, bucket("b", "a/rules"));
        assert!(source(Some("s3:///x"), nowhere).is_err());
    }

    const RULE: &str = "title: A topic\nid: 00000000-0000-4000-8000-000000000001\nlogsource:\n  \
        product: aws\n  service: cloudtrail\ndetection:\n  sel:\n    eventName: CreateTopic\n  \
        condition: sel\nlevel: low\n";

    #[tokio::test]
    async fn a_prefix_is_read_as_a_folder_is() {
        let store = InMemory::new();
        let put = async |key: &str, text: &str| {
            store.put(&key.into(), text.to_owned().into()).await.unwrap();
        };
        put("mine/deep/a.yml", RULE).await;
        put("mine/b.yml", "title: half").await;
        put("mine/a.test.yml", "match: []").await;
        put("mine/readme.md", "hello").await;
        put("other/c.yml", RULE).await;
        let loaded = from_bucket(&store, "mine", "s3://b/mine").await.unwrap();
        assert_eq!(loaded.rules.rules().len(), 1);
        let [problem] = loaded.problems.as_slice() else { panic!("{:?}", loaded.problems) };
        assert_eq!(problem.file, "s3://b/mine/b.yml");
        let all = from_bucket(&store, "", "s3://b").await.unwrap();
        assert_eq!(all.problems.len(), 2, "one half, one twice: {:?}", all.problems);
    }

    #[tokio::test]
    async fn a_file_that_is_too_large_is_named() {
        let store = InMemory::new();
        let large = "#".repeat(1024 * 1024 + 1);
        store.put(&"rules/a.yml".into(), large.into()).await.unwrap();
        let error = from_bucket(&store, "rules", "s3://b/rules").await.unwrap_err().to_string();
        assert!(error.contains("rules/a.yml is larger"), "{error}");
    }
}
