//! The loop that looks at folders of rules while a program runs.

use flow::Clock;
use tokio::sync::Notify;

use super::{Look, RuleFiles, RuleFolders};

/// How often folders are looked at, in milliseconds.
const LOOK_EVERY_MILLIS: i64 = 3_000;

/// Who has rules running.
pub trait Running {
    /// Runs these from now on, in place of all before; how many rules run then.
    ///
    /// # Errors
    /// Why they cannot be run; those from before still are.
    fn take(&mut self, files: RuleFiles) -> Result<usize, String>;

    /// Takes note of why changed rules do not run; how many rules still do.
    fn refuse(&mut self, why: String) -> usize;
}

impl RuleFolders {
    /// Looks every few seconds, and whenever `ask` says so, for as long as it is polled: sound sets
    /// run from then on, others are told of.
    pub async fn run(self, running: &mut impl Running, clock: &dyn Clock, ask: &Notify) {
        let mut folders = self;
        loop {
            tokio::select! {
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
            let taken = match look {
                Look::Same => continue,
                Look::New(files) => running.take(files),
                Look::Broken(why) => Err(why),
            };
            match taken {
                Ok(rules) => {
                    tracing::info!(rules, "The rules changed: {rules} run from now on");
                }
                Err(why) => {
                    let rules = running.refuse(why.clone());
                    tracing::error!(
                        rules,
                        why,
                        "The changed rules are not used, the {rules} from before still run: {why}"
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use flow::{ManualClock, Timestamp};
    use tokio::sync::mpsc;

    use super::{super::tests::RULE, *};

    /// Tells what it is told.
    struct Told(mpsc::Sender<Result<usize, String>>);

    impl Running for Told {
        fn take(&mut self, files: RuleFiles) -> Result<usize, String> {
            let rules = files.loaded.rules.rules().len();
            if rules > 2 {
                return Err("three are too many".to_owned());
            }
            self.0.try_send(Ok(rules)).unwrap();
            Ok(rules)
        }

        fn refuse(&mut self, why: String) -> usize {
            self.0.try_send(Err(why)).unwrap();
            0
        }
    }

    #[tokio::test]
    async fn changes_are_taken_or_told_of_when_it_is_time_or_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let rule = |digit: &str| RULE.replace("11111111-", &format!("{}-", digit.repeat(8)));
        write("1.yml", &rule("1"));
        let (folders, _) = RuleFolders::open(vec![folder.path().to_owned()]).unwrap();
        let (clock, ask) = (ManualClock::new(Timestamp::from_millis(0)), Notify::new());
        let (tell, mut told) = mpsc::channel(8);
        let mut running = Told(tell);
        let mut looking = Box::pin(folders.run(&mut running, &clock, &ask));
        // Whatever comes next, or what `prod` brings about.
        let mut next = async |prod: &dyn Fn()| {
            prod();
            tokio::select! {
                () = &mut looking => unreachable!("it ends only with a panic"),
                told = told.recv() => told.unwrap(),
            }
        };
        write("2.yml", &rule("2"));
        assert_eq!(next(&|| ask.notify_one()).await, Ok(2));
        write("3.yml", &rule("3"));
        assert_eq!(next(&|| ask.notify_one()).await, Err("three are too many".to_owned()));
        write("3.yml", "title: [");
        let why = next(&|| clock.advance(LOOK_EVERY_MILLIS)).await.unwrap_err();
        assert!(why.contains("3.yml:"), "{why}");
        fs::remove_file(folder.path().join("3.yml")).unwrap();
        assert_eq!(next(&|| ask.notify_one()).await, Ok(2));
    }
}
