//! The rules that run, and others in their place while running.

use std::{path::PathBuf, sync::Arc};

use detect::{RuleFiles, RuleFolders, Running};
use flow::Clock;
use rule::{Problem, Rule, RuleSet};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    Error,
    counts::{Counts, tell},
};

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
        let Some(folders) = self.folders else { return };
        let mut current = Current { question: self.question, rules: self.current, counts };
        stop.run_until_cancelled(folders.run(&mut current, &*clock, &ask)).await;
    }
}

/// The rules that run, and who counts what becomes of changed ones.
struct Current {
    question: Option<Rule>,
    rules: watch::Sender<Arc<RuleSet>>,
    counts: Arc<Counts>,
}

impl Running for Current {
    fn take(&mut self, files: RuleFiles) -> Result<usize, String> {
        let set = files.loaded.rules.with(self.question.clone());
        let count = set.rules().len();
        self.rules.send_replace(Arc::new(set));
        tell(&self.counts.rules_error, None);
        self.counts.reloads.one();
        Ok(count)
    }

    fn refuse(&mut self, why: String) -> usize {
        tell(&self.counts.rules_error, Some(why));
        self.counts.reloads_refused.one();
        self.rules.borrow().rules().len()
    }
}
