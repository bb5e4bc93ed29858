//! S3's XML of a part of a listing.

use percent_encoding::percent_decode_str;
use quick_xml::{Reader, escape::unescape, events::Event};

use super::listing::{Listed, Page};

/// How deep elements lie in one another, at most.
const DEPTH_MAX: usize = 8;
/// Storage classes whose objects are read only after they have been restored.
const ARCHIVE_CLASSES: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

type Problem = Box<dyn std::error::Error + Send + Sync>;

/// What has been read of a page.
#[derive(Default)]
struct Reading {
    page: Page,
    object: Listed,
    is_restored: bool,
    is_encoded: bool,
}

/// Reads the answer to ListObjectsV2.
pub(super) fn read(answer: &[u8]) -> Result<Page, Problem> {
    let mut reader = Reader::from_str(std::str::from_utf8(answer)?);
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut reading = Reading::default();
    loop {
        match reader.read_event()? {
            Event::Start(start) => {
                if path.len() >= DEPTH_MAX {
                    return Err("elements of the listing lie too deep".into());
                }
                path.push(String::from_utf8_lossy(start.local_name().as_ref()).into_owned());
                text.clear();
            }
            Event::Text(part) => text.push_str(&part.xml10_content()?),
            Event::CData(part) => text.push_str(&part.xml10_content()?),
            Event::GeneralRef(name) => {
                text.push_str(&unescape(&format!("&{};", name.decode()?))?);
            }
            Event::End(_) => {
                let names: Vec<&str> = path.iter().map(String::as_str).collect();
                reading.ended(&names, std::mem::take(&mut text))?;
                path.pop();
            }
            Event::Eof if path.is_empty() => return reading.whole(),
            Event::Eof => return Err("the listing ends in the middle".into()),
            _ => {}
        }
    }
}

impl Reading {
    fn ended(&mut self, path: &[&str], text: String) -> Result<(), Problem> {
        match path {
            [_, "EncodingType"] => self.is_encoded = text == "url",
            [_, "NextContinuationToken"] => self.page.next = Some(text),
            [_, "CommonPrefixes", "Prefix"] => self.page.folders.push(text),
            [_, "Contents", "Key"] => self.object.key = text,
            [_, "Contents", "Size"] => self.object.size = text.parse()?,
            [_, "Contents", "ETag"] => self.object.etag = Some(text),
            [_, "Contents", "StorageClass"] => {
                self.object.is_archived = ARCHIVE_CLASSES.contains(&text.as_str());
            }
            [_, "Contents", "RestoreStatus", "RestoreExpiryDate"] => self.is_restored = true,
            [_, "Contents"] => {
                let mut object = std::mem::take(&mut self.object);
                object.is_archived &= !std::mem::take(&mut self.is_restored);
                self.page.objects.push(object);
            }
            _ => {}
        }
        Ok(())
    }

    fn whole(mut self) -> Result<Page, Problem> {
        if self.is_encoded {
            let keys = self.page.objects.iter_mut().map(|object| &mut object.key);
            for text in keys.chain(&mut self.page.folders) {
                // As forms are encoded: a space is a plus.
                let spaced = text.replace('+', " ");
                *text = percent_decode_str(&spaced).decode_utf8()?.into_owned();
            }
        }
        Ok(self.page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gives_folders_objects_and_where_the_next_begins() {
        let answer = br#"<?xml version="1.0" encoding="UTF-8"?>
            <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>
            <Prefix>a/</Prefix><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
            <NextContinuationToken>1/x+=&amp;</NextContinuationToken>
            <Contents><Key>a/b+c%2Bd//%C3%A4</Key><Size>12</Size><ETag>&quot;e&quot;</ETag>
            <StorageClass>STANDARD</StorageClass></Contents>
            <Contents><Key>a/old</Key><Size>1</Size><StorageClass>DEEP_ARCHIVE</StorageClass></Contents>
            <Contents><Key>a/restored</Key><Size>1</Size><StorageClass>GLACIER</StorageClass>
            <RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress><RestoreExpiryDate>2026-12-01T00:00:00Z</RestoreExpiryDate></RestoreStatus></Contents>
            <CommonPrefixes><Prefix>a/%01/</Prefix></CommonPrefixes></ListBucketResult>"#;
        let page = read(answer).unwrap();
        assert_eq!(page.next.as_deref(), Some("1/x+=&"));
        assert_eq!(page.folders, ["a/\u{1}/"]);
        let object = |key: &str, size, is_archived| Listed {
            key: key.to_owned(),
            size,
            etag: (size == 12).then(|| "\"e\"".to_owned()),
            is_archived,
        };
        let wanted = [
            object("a/b c+d//ä", 12, false),
            object("a/old", 1, true),
            object("a/restored", 1, false),
        ];
        assert_eq!(page.objects, wanted);
    }

    #[test]
    fn a_server_that_encodes_nothing_is_taken_by_its_word() {
        let answer = b"<R><Contents><Key>a+%20</Key><Size>1</Size></Contents></R>";
        assert_eq!(read(answer).unwrap().objects[0].key, "a+%20");
    }

    #[test]
    fn what_is_no_listing_is_an_error() {
        assert!(read(b"<R><Contents>").is_err());
        assert!(read(b"<R><Contents><Size>x</Size></Contents></R>").is_err());
        assert!(read(&b"<a>".repeat(100)).is_err());
        assert!(read(&[0xff]).is_err());
    }
}
