//! Findings that are too old to alert, in a file a day.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use flow::{Finding, Timestamp};

/// `late/YYYY-MM-DD.ndjson`, by the day on which findings were made; a line is a finding. A repeat
/// carries the same id.
#[derive(Clone, Debug)]
pub(crate) struct Late {
    folder: PathBuf,
    /// Lines of two writers must not mingle.
    writing: Arc<Mutex<()>>,
}

impl Late {
    pub(crate) fn in_folder(folder: PathBuf) -> Self {
        Self { folder, writing: Arc::default() }
    }

    /// Appends; the lines outlive a failure of power once this resolves.
    pub(crate) async fn append(&self, findings: Vec<Finding>, now: Timestamp) -> io::Result<()> {
        let late = self.clone();
        let written = tokio::task::spawn_blocking(move || late.write(&findings, now));
        written.await.map_err(io::Error::other)?
    }

    fn write(&self, findings: &[Finding], now: Timestamp) -> io::Result<()> {
        let mut lines = Vec::new();
        for finding in findings {
            serde_json::to_writer(&mut lines, finding)?;
            lines.push(b'\n');
        }
        let _writing = self.writing.lock().map_err(|_| io::Error::other("a writer panicked"))?;
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let path = self.folder.join(format!("{}.ndjson", now.to_day_path().replace('/', "-")));
        let new = !path.exists();
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        file.write_all(&lines)?;
        file.sync_all()?;
        if new { File::open(&self.folder)?.sync_all() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_day_has_a_file_that_grows() {
        let folder = tempfile::tempdir().unwrap();
        let late = Late::in_folder(folder.path().join("late"));
        let finding = Finding {
            id: "1".to_owned(),
            rule: flow::RuleRef {
                id: "r".to_owned(),
                title: "R".to_owned(),
                level: flow::Level::Low,
            },
            record: serde_json::json!({"eventName": "A\nB"}),
            object: "s3://b/k".to_owned(),
        };
        let day: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        late.append(vec![finding.clone()], day).await.unwrap();
        late.append(vec![finding.clone(), finding.clone()], day).await.unwrap();
        let text = std::fs::read_to_string(folder.path().join("late/2026-11-23.ndjson")).unwrap();
        let lines: Vec<Finding> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines, [finding.clone(), finding.clone(), finding]);
    }
}
