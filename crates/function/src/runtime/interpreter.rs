//! Interpreters of this machine, each asked once what it is and where its libraries lie.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::process::Command;

use super::Language;

/// How long an interpreter may take to say what it is.
const ASK_MAX: Duration = Duration::from_secs(20);
/// What every process may read anyway.
const SYSTEM: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib64", "/nix/store"];
/// Folders that hold far more than an interpreter: none may read them for its sake.
const TOO_WIDE: &[&str] = &["/", "/etc", "/home", "/opt", "/root", "/tmp", "/var", "/srv", "/mnt"];

const ASK_PYTHON: &str = "import json, sys; print(json.dumps({'program': sys.executable, \
    'version': '.'.join(map(str, sys.version_info[:3])), 'path': sys.path, \
    'folders': [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]}))";
const ASK_NODE: &str = "console.log(JSON.stringify({program: process.execPath, \
    version: process.version.slice(1), path: [], folders: []}))";

/// An interpreter that answered.
#[derive(Debug)]
pub(crate) struct Interpreter {
    pub(crate) language: Language,
    /// The program itself, links followed.
    pub(crate) program: PathBuf,
    version: String,
    /// What it reads beyond the system's own.
    pub(crate) readable: Vec<PathBuf>,
    /// Where it looks for modules.
    path: Vec<PathBuf>,
    /// Modules that were installed for all of its programs.
    pub(crate) modules: Option<PathBuf>,
}

#[derive(serde::Deserialize)]
struct Said {
    program: PathBuf,
    version: String,
    path: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

/// Finds interpreters by the configuration, and remembers those that answered.
pub(crate) struct Interpreters {
    python: String,
    node: String,
    /// No interpreter's files may hold this.
    private: PathBuf,
    found: Mutex<HashMap<Language, Arc<Interpreter>>>,
}

impl Interpreters {
    /// Programs by name or path; nothing in `private` is ever shown to a function.
    pub(crate) fn new(python: &str, node: &str, private: &Path) -> Self {
        Self {
            python: python.to_owned(),
            node: node.to_owned(),
            private: fs::canonicalize(private).unwrap_or_else(|_| private.to_owned()),
            found: Mutex::default(),
        }
    }

    /// The interpreter of that language; an error says what to set.
    pub(crate) async fn of(&self, language: Language) -> Result<Arc<Interpreter>, String> {
        if let Some(found) = self.found.lock().expect("no holder panics").get(&language) {
            return Ok(Arc::clone(found));
        }
        let (program, key) = match language {
            Language::Python => (&self.python, "function.python"),
            Language::Node => (&self.node, "function.node"),
        };
        let asked = self.ask(language, program).await;
        let found = Arc::new(asked.map_err(|why| {
            format!("`{program}` cannot be used: {why}; set `{key}` to an interpreter")
        })?);
        let mut known = self.found.lock().expect("no holder panics");
        known.insert(language, Arc::clone(&found));
        Ok(found)
    }

    async fn ask(&self, language: Language, program: &str) -> Result<Interpreter, String> {
        let args = match language {
            Language::Python => ["-I", "-c", ASK_PYTHON],
            Language::Node => ["--no-warnings", "-e", ASK_NODE],
        };
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let output = tokio::time::timeout(ASK_MAX, command.output());
        let output = output.await.map_err(|_| "it does not answer".to_owned())?;
        let output = output.map_err(|error| error.to_string())?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            let last = words.lines().last().unwrap_or_default();
            return Err(format!("it ended with {}: {last}", output.status));
        }
        let said = serde_json::from_slice(&output.stdout);
        self.take(language, said.map_err(|error| format!("its answer is none: {error}"))?)
    }

    fn take(&self, language: Language, said: Said) -> Result<Interpreter, String> {
        let Said { program, version, path, folders } = said;
        let program = fs::canonicalize(&program)
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let globals = program.parent().and_then(Path::parent).map(|at| at.join("lib/node_modules"));
        let modules = globals.filter(|at| language == Language::Node && at.is_dir());
        let wanted = folders.iter().chain(&path).chain(&modules).chain([&program]);
        let mut readable: Vec<PathBuf> = Vec::new();
        for path in wanted.filter(|path| path.is_absolute() && path.exists()) {
            let known = SYSTEM.iter().any(|system| path.starts_with(system));
            if !known && self.may_show(path) && !readable.iter().any(|at| path.starts_with(at)) {
                readable.push(path.clone());
            }
        }
        Ok(Interpreter { language, program, version, readable, path, modules })
    }

    /// Whether a function may read all of it.
    fn may_show(&self, path: &Path) -> bool {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        !TOO_WIDE.iter().any(|wide| real == Path::new(wide))
            && !self.private.starts_with(&real)
            && !real.starts_with(&self.private)
    }
}

impl Interpreter {
    /// Where it looks for modules, as JSON.
    pub(crate) fn path_text(&self) -> String {
        let texts: Vec<_> = self.path.iter().filter_map(|path| path.to_str()).collect();
        serde_json::to_string(&texts).expect("texts are JSON")
    }

    /// Which it is, as the log begins.
    pub(crate) fn told(&self) -> String {
        let name = match self.language {
            Language::Python => "python",
            Language::Node => "nodejs",
        };
        format!("INIT_START Runtime Version: {name}:{} ({})", self.version, self.program.display())
    }

    /// Variables that name the release of Lambda whose runtime this is.
    pub(crate) fn execution_env(runtime: &str) -> (OsString, OsString) {
        ("AWS_EXECUTION_ENV".into(), format!("AWS_Lambda_{runtime}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interpreters(private: &Path) -> Interpreters {
        Interpreters::new("python3", "no-such-node", private)
    }

    #[tokio::test]
    async fn a_missing_interpreter_says_what_to_set() {
        let told = interpreters(Path::new("/x")).of(Language::Node).await.unwrap_err();
        assert!(told.starts_with("`no-such-node` cannot be used: "), "{told}");
        assert!(told.ends_with("; set `function.node` to an interpreter"), "{told}");
    }

    #[tokio::test]
    async fn python_tells_where_its_libraries_are() {
        match interpreters(Path::new("/x")).of(Language::Python).await {
            Ok(python) => {
                assert!(python.program.is_absolute());
                assert!(python.told().contains("python:3."), "{}", python.told());
                assert!(python.path_text().contains("lib"), "{}", python.path_text());
            }
            Err(why) => println!("skipped: {why}"),
        }
    }

    #[test]
    fn an_interpreter_shows_its_own_folders_and_never_the_data_directory() {
        let folder = tempfile::tempdir().unwrap();
        let private = folder.path().join("project/data");
        let inside = folder.path().join("venv/lib");
        for path in [&private, &inside] {
            fs::create_dir_all(path).unwrap();
        }
        let said = |path: Vec<PathBuf>| Said {
            program: "/bin/sh".into(),
            version: "3.0.0".to_owned(),
            path,
            folders: vec!["/".into(), "/usr".into(), folder.path().join("venv")],
        };
        let path = vec![inside, folder.path().join("project"), private.clone(), "/none".into()];
        let taken = interpreters(&private).take(Language::Python, said(path)).unwrap();
        assert_eq!(taken.readable, [folder.path().join("venv")]);
    }
}
