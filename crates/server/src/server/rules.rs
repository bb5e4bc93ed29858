//! The rules that the shipped function asks: the shipped ones, or those of the configured folders, and
//! others in their place while the server runs.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use anyhow::Context;
use detect::{RuleFiles, RuleFolders};
use flow::Clock;
use function::{Function, Functions};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{config::Config, dir::DataDir};

/// The environment variable that names the function's folder of rules.
const FOLDER_VARIABLE: &str = "TRAILHOUND_RULES";
/// Its value for the rules that are compiled in.
const SHIPPED: &str = "shipped";
/// The environment variable that holds a question beside the rules.
pub(crate) const QUESTION_VARIABLE: &str = "TRAILHOUND_WHEN";

/// The rules that run; clones see the same.
#[derive(Clone)]
pub(crate) struct Rules {
    now: Arc<Mutex<Running>>,
    /// Wakes whoever looks at the folders.
    pub(crate) ask: Arc<Notify>,
}

/// What is told of the rules that run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running {
    /// How many they are.
    pub(crate) count: usize,
    /// The refused ones: place and reason.
    pub(crate) refused: Vec<String>,
    /// Why changed ones do not run, while they do not.
    pub(crate) error: Option<String>,
}

impl Rules {
    pub(crate) fn now(&self) -> Running {
        self.now.lock().expect("no holder panics").clone()
    }

    fn tell(&self, change: impl FnOnce(&mut Running)) {
        change(&mut self.now.lock().expect("no holder panics"));
    }
}

/// What gives the function its rules.
pub(crate) struct Keeper {
    /// The configured folders; `None` for the shipped rules, which do not change.
    folders: Option<RuleFolders>,
    copies: Copies,
    rules: Rules,
    /// How many questions there are beside the rules: one or none.
    questions: usize,
    /// The function, without its rules, and where it is known.
    function: Option<(Function, Functions)>,
}

impl Keeper {
    /// Reads the configured folders and copies what they hold to where the function can read it.
    pub(crate) fn open(config: &Config, dir: &DataDir) -> anyhow::Result<Self> {
        let mut copies = Copies { root: dir.path().join("rules"), made: Vec::new(), next: 0 };
        copies.begin()?;
        let questions = usize::from(!config.rule.when.is_empty());
        let (folders, running) = if config.rule.dirs.is_empty() {
            let count = rule::RuleSet::shipped().rules().len() + questions;
            (None, Running { count, ..Running::default() })
        } else {
            let (folders, files) =
                RuleFolders::open(config.rule.dirs.clone()).context("`rule.dirs`")?;
            copies.make(&files)?;
            (Some(folders), running(&files, questions))
        };
        let rules = Rules { now: Arc::new(Mutex::new(running)), ask: Arc::default() };
        Ok(Self { folders, copies, rules, questions, function: None })
    }

    pub(crate) fn rules(&self) -> Rules {
        self.rules.clone()
    }

    /// Makes the function known with the rules as they are now, in place of the one before.
    fn add(&self, function: &Function, functions: &Functions) -> Result<(), function::Error> {
        let mut function = function.clone();
        let folder = self.copies.made.last();
        // Never a folder that happens to lie where Lambda has its layers.
        let named = folder.map_or_else(|| SHIPPED.into(), |folder| folder.clone().into_os_string());
        function.env.push((FOLDER_VARIABLE.into(), named));
        function.readable.extend(folder.cloned());
        functions.add(function)
    }

    /// Gives the function its rules for the first time.
    pub(crate) fn begin(
        &mut self,
        function: Function,
        functions: &Functions,
    ) -> Result<(), function::Error> {
        self.add(&function, functions)?;
        self.function = Some((function, functions.clone()));
        Ok(())
    }

    /// Looks every few seconds, and whenever asked, until `stop`: changed rules are copied, and the
    /// function's next instances read them; those with the old ones get no more work.
    pub(crate) async fn run(mut self, clock: Arc<dyn Clock>, stop: CancellationToken) {
        let Some(folders) = self.folders.take() else { return };
        let ask = Arc::clone(&self.rules.ask);
        stop.run_until_cancelled(folders.run(&mut self, &*clock, &ask)).await;
    }
}

impl detect::Running for Keeper {
    fn take(&mut self, files: RuleFiles) -> Result<usize, String> {
        self.copies.make(&files).map_err(|error| format!("{error:#}"))?;
        if let Some((function, functions)) = &self.function {
            self.add(function, functions).map_err(|error| error.to_string())?;
        }
        let running = running(&files, self.questions);
        let count = running.count;
        self.rules.tell(|now| *now = running);
        Ok(count)
    }

    fn refuse(&mut self, why: String) -> usize {
        self.rules.tell(|now| now.error = Some(format!("changed rules are refused: {why}")));
        self.rules.now().count
    }
}

fn running(files: &RuleFiles, questions: usize) -> Running {
    let refused = files.loaded.problems.iter().map(ToString::to_string).collect();
    Running { count: files.loaded.rules.rules().len() + questions, refused, error: None }
}

/// Copies of rule files, a folder for each set that ran.
struct Copies {
    root: PathBuf,
    made: Vec<PathBuf>,
    next: u64,
}

impl Copies {
    /// Takes away what an earlier run left.
    fn begin(&self) -> anyhow::Result<()> {
        let root = &self.root;
        match fs::remove_dir_all(root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| root.display().to_string())
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Copies a set. The one before stays, for an instance that is about to read it.
    fn make(&mut self, files: &RuleFiles) -> anyhow::Result<()> {
        let folder = self.root.join(self.next.to_string());
        self.next += 1;
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        for (number, (path, bytes)) in files.files.iter().enumerate() {
            copy(&folder, number, path, bytes)?;
        }
        self.made.push(folder);
        if self.made.len() > 2 {
            let old = self.made.remove(0);
            fs::remove_dir_all(&old).with_context(|| old.display().to_string())?;
        }
        Ok(())
    }
}

fn copy(folder: &Path, number: usize, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let copy = folder.join(format!("{number:05}-{name}"));
    fs::write(&copy, bytes).with_context(|| copy.display().to_string())
}
