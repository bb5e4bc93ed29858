//! What runs a function's code: Python and Node.js of this machine behind a bootstrap of ours, or a
//! program that the code brings along.

mod elf;
mod interpreter;

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

pub(crate) use self::{
    elf::{Architecture, program_fault},
    interpreter::{Interpreter, Interpreters},
};
use crate::Error;

/// Where a function finds its code.
pub(crate) const TASK: &str = "/var/task";
/// Where it finds our bootstraps.
pub(crate) const RUNTIME: &str = "/var/runtime";
/// Where every module of Node.js looks in the end.
pub(crate) const NODE_MODULES: &str = "/node_modules";
/// The program that the code brings along.
pub(crate) const BOOTSTRAP: &str = "bootstrap";

const PYTHON_FILE: &str = "bootstrap.py";
const PYTHON_TEXT: &str = include_str!("runtime/bootstrap.py");
const NODE_FILE: &str = "bootstrap.mjs";
const NODE_TEXT: &str = include_str!("runtime/bootstrap.mjs");
/// Tells the Python bootstrap where its interpreter's modules are.
const PYTHON_PATH_VARIABLE: &str = "TRAILHOUND_PYTHON_PATH";

/// A language that this machine's interpreters speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Language {
    Python,
    Node,
}

/// A runtime by AWS's name for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Runtime {
    name: String,
    /// `None` where the code brings its own program.
    pub(crate) language: Option<Language>,
}

impl Runtime {
    /// The runtime of that name; whatever version it names, this machine's is used.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let language = if let Some(version) = name.strip_prefix("python3.") {
            digits(version).then_some(Some(Language::Python))
        } else if let Some(version) = name.strip_prefix("nodejs") {
            version.strip_suffix(".x").filter(|major| digits(major)).map(|_| Some(Language::Node))
        } else {
            matches!(name, "provided" | "provided.al2" | "provided.al2023").then_some(None)
        };
        Some(Self { name: name.to_owned(), language: language? })
    }

    /// AWS's name, such as `python3.13`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// What a process of some runtime is started with.
pub(crate) struct Start {
    pub(crate) command: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    /// Files and folders beyond the code's.
    pub(crate) readable: Vec<PathBuf>,
    /// What it sees elsewhere than it lies: from, to.
    pub(crate) shown: Vec<(PathBuf, PathBuf)>,
    /// A line for the log: which interpreter, which version.
    pub(crate) told: Option<String>,
}

/// How a function's process starts. `bootstraps` is where [`lay_out`] put ours.
pub(crate) fn start(bootstraps: &Path, with: Option<&Interpreter>) -> Start {
    let mut shown = vec![(bootstraps.to_owned(), PathBuf::from(RUNTIME))];
    let Some(interpreter) = with else {
        let program = Path::new(TASK).join(BOOTSTRAP);
        let command = vec![program.into()];
        return Start { command, env: Vec::new(), readable: Vec::new(), shown, told: None };
    };
    let ours = |file: &str| Path::new(RUNTIME).join(file).into_os_string();
    let program = interpreter.program.clone().into_os_string();
    let (command, env) = match interpreter.language {
        Language::Python => {
            let path = (PYTHON_PATH_VARIABLE.into(), interpreter.path_text().into());
            (vec![program, ours(PYTHON_FILE)], vec![path])
        }
        Language::Node => {
            let modules = interpreter.modules.iter();
            shown.extend(modules.map(|path| (path.clone(), PathBuf::from(NODE_MODULES))));
            let path = "/opt/nodejs/node_modules:/var/runtime/node_modules:/var/task";
            (vec![program, ours(NODE_FILE)], vec![("NODE_PATH".into(), path.into())])
        }
    };
    Start {
        command,
        env,
        readable: interpreter.readable.clone(),
        shown,
        told: Some(interpreter.told()),
    }
}

/// Writes our bootstraps to where instances are shown them.
pub(crate) fn lay_out(dir: &Path) -> Result<PathBuf, Error> {
    let folder = dir.join("runtime");
    let write = || {
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(PYTHON_FILE), PYTHON_TEXT)?;
        fs::write(folder.join(NODE_FILE), NODE_TEXT)
    };
    write().map_err(|source| Error::Disk { path: folder.clone(), source })?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_known_by_its_kind_whatever_its_version() {
        let language = |name: &str| Runtime::of(name).map(|runtime| runtime.language);
        assert_eq!(language("python3.13"), Some(Some(Language::Python)));
        assert_eq!(language("nodejs22.x"), Some(Some(Language::Node)));
        assert_eq!(language("provided.al2023"), Some(None));
        for unknown in ["python2.7", "python3.", "nodejs", "nodejsx.x", "java21", "provided.al9"] {
            assert_eq!(language(unknown), None, "{unknown}");
        }
    }
}
