//! Files that are kept, given up, read while they go, altered.

use super::*;
use flow::SeededChance;
use std::os::unix::fs::PermissionsExt;

fn blobs(dir: &Path) -> Arc<Blobs> {
    Arc::new(Blobs::open(dir, Arc::new(SeededChance::new(1))).unwrap())
}

async fn stored(blobs: &Arc<Blobs>, bytes: &'static [u8]) -> Written {
    let Ok(writing) = blobs.begin(&[], 100).unwrap().write(vec![bytes.into()]).await else {
        panic!("the disk takes it")
    };
    let Ok(written) = writing.finish().await else { panic!("the disk takes it") };
    written
}

fn piece(written: &Written) -> Piece {
    let (size, sha256) = (written.size, written.sums.sha256.clone());
    Piece { name: written.name.clone(), size, sha256, start: 0, length: size }
}

#[tokio::test]
async fn bytes_are_for_the_owner_alone_and_go_when_nobody_keeps_them() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = blobs(&dir.path().join("data"));
    let written = stored(&blobs, b"hello").await;
    let place = blobs.place(&written.name);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place), 0o600);
    assert_eq!(mode(&dir.path().join("data")), 0o700);
    drop(written);
    assert!(!place.exists());
}

#[tokio::test]
async fn bytes_that_are_read_stay_until_the_reader_ends() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = blobs(dir.path());
    let mut written = stored(&blobs, b"hello").await;
    written.keep();
    let hold = blobs.hold(vec![written.name.clone()]).unwrap();
    blobs.discard(std::slice::from_ref(&written.name));
    assert!(blobs.hold(vec![written.name.clone()]).is_none(), "no new reader");
    let reading = Reading::new(hold, vec![piece(&written)]);
    let (bytes, reading) = reading.next().await.unwrap().unwrap();
    assert_eq!(&bytes[..], b"hello");
    assert!(reading.next().await.unwrap().is_none());
    assert!(!blobs.place(&written.name).exists());
}

#[tokio::test]
async fn altered_bytes_end_in_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = blobs(dir.path());
    let mut written = stored(&blobs, b"hello").await;
    written.keep();
    std::fs::write(blobs.place(&written.name), b"hullo").unwrap();
    let hold = blobs.hold(vec![written.name.clone()]).unwrap();
    assert!(Reading::new(hold, vec![piece(&written)]).next().await.is_err());
}
