//! `trailhound logs`: what a function printed, from its log file in the data directory.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::time::sleep;

use crate::{args::Logs, output};

/// Where functions' logs lie in a data directory.
const FOLDER: &str = "functions/logs";
const ENDING: &str = ".log";
/// The ending of the file before, which a full one becomes.
const BEFORE: &str = ".log.1";
/// How often to look for more.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(crate) async fn run(args: &Logs) -> anyhow::Result<ExitCode> {
    let folder = args.place.dir.join(FOLDER);
    let known = known(&folder)?;
    if !known.contains(&args.function) {
        let name = output::safe(&args.function);
        let dir = args.place.dir.display();
        match known.as_slice() {
            [] => bail!("no function has run in {dir}: is --dir the server's data directory?"),
            known => bail!(
                "there is no function `{name}`; there {} {}",
                if known.len() == 1 { "is" } else { "are" },
                known.join(", ")
            ),
        }
    }
    let path = folder.join(format!("{}{ENDING}", args.function));
    let mut lines = Vec::new();
    if let Ok(mut before) = Tail::open(&folder.join(format!("{}{BEFORE}", args.function))) {
        lines.extend(before.more()?);
    }
    let mut tail = Tail::open(&path)?;
    lines.extend(tail.more()?);
    let skipped = args.last.map_or(0, |last| lines.len().saturating_sub(last.get()));
    lines.iter().skip(skipped).for_each(|line| show(line, args.json));
    if !args.follow {
        return Ok(ExitCode::SUCCESS);
    }
    loop {
        sleep(LOOK_EVERY).await;
        // Asked before reading: nothing is written to a file whose place has been taken.
        let is_behind = tail.is_behind();
        for line in tail.more()? {
            show(&line, args.json);
        }
        if is_behind {
            tail = Tail::open(&path)?;
        }
    }
}

/// The functions that have a log.
fn known(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| folder.display().to_string()),
    };
    let mut known = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let name = name.to_str().and_then(|name| name.strip_suffix(ENDING));
        known.extend(name.map(str::to_owned));
    }
    known.sort_unstable();
    Ok(known)
}

/// A file that grows, read line by line.
struct Tail {
    path: PathBuf,
    inode: u64,
    reader: BufReader<File>,
    /// A line whose end is not written yet.
    begun: Vec<u8>,
}

impl Tail {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let open = || {
            let file = File::open(path)?;
            let inode = file.metadata()?.ino();
            io::Result::Ok((file, inode))
        };
        let (file, inode) = open().with_context(|| path.display().to_string())?;
        let reader = BufReader::new(file);
        Ok(Self { path: path.to_owned(), inode, reader, begun: Vec::new() })
    }

    /// The lines that are complete and have not been read.
    fn more(&mut self) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            let read = self.reader.read_until(b'\n', &mut self.begun);
            if read.with_context(|| self.path.display().to_string())? == 0 {
                return Ok(lines);
            }
            if self.begun.pop_if(|byte| *byte == b'\n').is_some() {
                let line = std::mem::take(&mut self.begun);
                lines.push(String::from_utf8_lossy(&line).into_owned());
            }
        }
    }

    /// Whether another file has taken this one's place.
    fn is_behind(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|now| now.ino() != self.inode)
    }
}

fn show(line: &str, json: bool) {
    if json {
        output::line(line);
        return;
    }
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
    // Lambda's reports of invocations are columns.
    let shown = output::safe(&text("message").replace('\t', "  "));
    let stream = match text("stream") {
        "stderr" => "err",
        "stdout" => "out",
        _ => "   ",
    };
    output::line(&format!("{}  {stream}  {shown}", output::safe(text("time"))));
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_log_that_makes_room_loses_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.log");
        let append = |text: &str| {
            let mut file = File::options().create(true).append(true).open(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        append("a\nb");
        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(tail.more().unwrap(), ["a"]);
        append("c\nd\n");
        fs::rename(&path, folder.path().join("f.log.1")).unwrap();
        assert_eq!(tail.more().unwrap(), ["bc", "d"]);
        assert!(!tail.is_behind(), "nothing has taken its place");
        append("e\n");
        assert!(tail.is_behind());
        assert_eq!(Tail::open(&path).unwrap().more().unwrap(), ["e"]);
        assert_eq!(known(folder.path()).unwrap(), ["f"]);
    }
}
