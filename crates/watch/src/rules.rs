//! The rules that run, and others in their place while running.

use std::{path::PathBuf, sync::Arc};

use detect::{Look, RuleFolders};
use flow::Clock;
use rule::{Problem, Rule, RuleSet};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    Error,
    counts::{Counts, tell},
};

/// How often folders are looked at, in milliseconds.
const LOOK_EVERY_MILLIS: i64 = 3_000;

/// The rules that run now; clones see the same.
#[derive(Clone, Debug)]
pub(crate) struct Rules(watch::Receiver<Arc<RuleSet>>);

impl Rules {
    pub(crate) fn now(&self) -> Arc<RuleSet> {
        Arc::clone(&self.0.borrow())
    }
}

/// What keeps them up to date.
pub(crate) struct Keeper {
    /// `None` for the shipped rules, which do not change.
    folders: Option<RuleFolders>,
    question: Option<Rule>,
    current: watch::Sender<Arc<RuleSet>>,
}

/// Reads the rules: those of `paths`, or the shipped ones; `when` is one question more. A question
/// without paths stands alone.
pub(crate) fn open(
    paths: Vec<PathBuf>,
    when: Option<&str>,
) -> Result<(Rules, Keeper, Vec<Problem>), Error> {
    let question = when.map(rule::when).transpose();
    let question = question.map_err(|error| Error::Settings(format!("--when: {error}")))?;
    let (folders, set, problems) = match (paths.is_empty(), &question) {
        (true, Some(_)) => (None, RuleSet::default(), Vec::new()),
        (true, None) => (None, RuleSet::shipped(), Vec::new()),
        (false, _) => {
            let (folders, files) =
                RuleFolders::open(paths).map_err(|error| Error::Rules(format!("{error:#}")))?;
            (Some(folders), files.loaded.rules, files.loaded.problems)
        }
    };
    let set = set.with(question.clone());
    let (current, rules) = watch::channel(Arc::new(set));
    Ok((Rules(rules), Keeper { folders, question, current }, problems))
}

impl Keeper {
    /// Looks every few seconds, and whenever `ask` says so, until `stop`.
    pub(crate) async fn run(
        self,
        counts: Arc<Counts>,
        clock: Arc<dyn Clock>,
        ask: Arc<Notify>,
        stop: CancellationToken,
    ) {
        let Self { folders, question, current } = self;
        let Some(mut folders) = folders else { return };
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = ask.notified() => {}
                () = clock.sleep_millis(LOOK_EVERY_MILLIS) => {}
            }
            let looked = tokio::task::spawn_blocking(move || {
                let look = folders.look();
                (folders, look)
            });
            // A look that panicked has taken the folders with it: the rules stay as they are.
            let Ok((back, look)) = looked.await else { return };
            folders = back;
            match look {
                Look::Same => {}
                Look::New(files) => {
                    let set = files.loaded.rules.with(question.clone());
                    let rules = set.rules().len();
                    tracing::info!(rules, "The rules changed: {rules} run from now on");
                    current.send_replace(Arc::new(set));
                    tell(&counts.rules_error, None);
                    counts.reloads.one();
                }
                Look::Broken(why) => {
                    let kept = current.borrow().rules().len();
                    tracing::error!(
                        why,
                        rules = kept,
                        "The changed rules are not used, the {kept} from before still run: {why}"
                    );
                    tell(&counts.rules_error, Some(why));
                    counts.reloads_refused.one();
                }
            }
        }
    }
}
