//! The gzip or zstd layer of a log file, within limits.

use std::io::{BufRead, BufReader, Chain, Cursor, Read};

use flate2::bufread::GzDecoder;
use libdeflater::Decompressor;

use crate::log_file::Damage;

/// The largest compressed object that is read, in bytes as stored.
pub const GZIP_BYTES_MAX: u64 = 50 * 1024 * 1024;

/// The largest text that a compressed object may inflate to, in bytes.
pub const INFLATED_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// The most bytes that a compressed byte may become: real log files stay below 60.
pub const INFLATED_RATIO_MAX: u64 = 250;

/// Texts up to this size, in bytes, may have any ratio.
const ANY_RATIO_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The size at the end of a gzip member, in bytes.
const SIZE_BYTES: usize = 4;

/// How much of the compressed bytes is read ahead, in bytes.
const AHEAD_BYTES: usize = 64 * 1024;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// What follows it: the only way of packing that there is.
const DEFLATED: u8 = 8;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// What an object is packed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
    None,
}

impl Packing {
    /// What bytes that begin like this are packed with.
    pub(super) fn of(bytes: &[u8]) -> Self {
        if bytes.starts_with(&GZIP_MAGIC) {
            Self::Gzip
        } else if bytes.starts_with(&ZSTD_MAGIC) {
            Self::Zstd
        } else {
            Self::None
        }
    }
}

/// The most bytes that `compressed` bytes may inflate to.
fn limit(compressed: u64) -> u64 {
    compressed.saturating_mul(INFLATED_RATIO_MAX).clamp(ANY_RATIO_BYTES_MAX, INFLATED_BYTES_MAX)
}

/// Inflates an object that is one whole gzip member and nothing else, as nearly all are, into the
/// beginning of `text`; answers how long the text is. None where it is something else or damaged,
/// or longer than `bytes_max`.
pub(super) fn one_step(
    inflater: &mut Decompressor,
    bytes: &[u8],
    text: &mut Vec<u8>,
    bytes_max: usize,
) -> Option<usize> {
    let (_, size) = bytes.split_last_chunk::<SIZE_BYTES>()?;
    let size = usize::try_from(u32::from_le_bytes(*size)).ok()?;
    if size > bytes_max || size as u64 > limit(bytes.len() as u64) {
        return None;
    }
    if text.len() < size {
        // Grown in steps, so that objects of rising sizes do not each clear the whole of it.
        text.resize(size.next_power_of_two().min(bytes_max.max(size)), 0);
    }
    let room = text.get_mut(..size)?;
    let written = inflater.gzip_decompress(bytes, room).ok()?;
    // A second member whose text is as long would have the same size at its end.
    (written == size && !may_hold_another_member(bytes)).then_some(size)
}

/// Whether a second member may begin in the bytes, behind a first one whose text is as long as the
/// last one's: its size, and the beginning of another.
fn may_hold_another_member(bytes: &[u8]) -> bool {
    let Some((_, size)) = bytes.split_last_chunk::<SIZE_BYTES>() else { return false };
    let [a, b, c, d] = *size;
    let border = [a, b, c, d, GZIP_MAGIC[0], GZIP_MAGIC[1], DEFLATED];
    memchr::memmem::find(bytes, &border).is_some()
}

type Source<'a> = BufReader<Chain<Cursor<Vec<u8>>, Counted<'a>>>;

/// Compressed bytes, and how many have been taken.
struct Counted<'a> {
    source: &'a mut dyn Read,
    taken: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.taken += read as u64;
        Ok(read)
    }
}

/// A text that is inflated as it is read.
pub(super) struct Stream<'a> {
    layer: Layer<'a>,
    inflated: u64,
}

enum Layer<'a> {
    /// Nothing read yet.
    Fresh(Counted<'a>),
    Plain(Source<'a>),
    Gzip(Box<GzDecoder<Source<'a>>>),
    Zstd(Box<ruzstd::decoding::StreamingDecoder<Source<'a>, ruzstd::decoding::FrameDecoder>>),
    /// It has ended.
    Ended,
}

impl<'a> Stream<'a> {
    pub(super) fn new(source: &'a mut dyn Read) -> Self {
        Self { layer: Layer::Fresh(Counted { source, taken: 0 }), inflated: 0 }
    }

    /// Reads up to the length of `room`; less is the end, or the damage that is told.
    pub(super) fn read(&mut self, room: &mut [u8]) -> (usize, Option<Damage>) {
        let mut filled = 0;
        while let Some(rest) = room.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.step(rest) {
                Ok(0) => break,
                Ok(read) => {
                    filled += read;
                    self.inflated += read as u64;
                    if let Some(damage) = self.beyond_limit() {
                        return (filled, Some(damage));
                    }
                }
                Err(damage) => return (filled, Some(damage)),
            }
        }
        (filled, None)
    }

    fn beyond_limit(&self) -> Option<Damage> {
        let taken = match &self.layer {
            Layer::Gzip(layer) => taken(layer.get_ref()),
            Layer::Zstd(layer) => taken(layer.get_ref()),
            _ => return None,
        };
        let limit = limit(taken);
        (self.inflated > limit).then(|| {
            let reason = if limit < INFLATED_BYTES_MAX {
                format!("it inflates to more than {INFLATED_RATIO_MAX} times its size")
            } else {
                format!("it inflates to more than {INFLATED_BYTES_MAX} bytes")
            };
            Damage { offset: None, reason }
        })
    }

    fn step(&mut self, room: &mut [u8]) -> Result<usize, Damage> {
        loop {
            let unreadable = |error: std::io::Error| Damage {
                offset: None,
                reason: format!("it cannot be read: {error}"),
            };
            match &mut self.layer {
                Layer::Fresh(_) => self.begin().map_err(unreadable)?,
                Layer::Plain(source) => return source.read(room).map_err(unreadable),
                Layer::Gzip(layer) => match layer.read(room) {
                    Ok(0) => self.next_member()?,
                    Ok(read) => return Ok(read),
                    Err(error) => {
                        let at = taken(layer.get_ref());
                        return Err(broken("gzip", at, &error));
                    }
                },
                Layer::Zstd(layer) => match layer.read(room) {
                    Ok(0) => self.next_frame()?,
                    Ok(read) => return Ok(read),
                    Err(error) => {
                        let at = taken(layer.get_ref());
                        return Err(broken("zstd", at, &error));
                    }
                },
                Layer::Ended => return Ok(0),
            }
        }
    }

    /// Looks at the first bytes and chooses the layer.
    fn begin(&mut self) -> std::io::Result<()> {
        let Layer::Fresh(mut source) = std::mem::replace(&mut self.layer, Layer::Ended) else {
            return Ok(());
        };
        let mut head = Vec::new();
        (&mut source).take(ZSTD_MAGIC.len() as u64).read_to_end(&mut head)?;
        source.taken = 0;
        let packing = Packing::of(&head);
        let source = BufReader::with_capacity(AHEAD_BYTES, Cursor::new(head).chain(source));
        self.layer = match packing {
            Packing::None => Layer::Plain(source),
            Packing::Gzip => Layer::Gzip(Box::new(GzDecoder::new(source))),
            Packing::Zstd => Layer::Zstd(Box::new(
                ruzstd::decoding::StreamingDecoder::new(source)
                    .map_err(|error| std::io::Error::other(error.to_string()))?,
            )),
        };
        Ok(())
    }

    /// What follows a gzip member: another one, padding, or garbage.
    fn next_member(&mut self) -> Result<(), Damage> {
        let Layer::Gzip(layer) = std::mem::replace(&mut self.layer, Layer::Ended) else {
            return Ok(());
        };
        let mut source = layer.into_inner();
        loop {
            let at = taken(&source);
            let ahead = source.fill_buf().map_err(|error| broken("gzip", at, &error))?;
            match ahead {
                [] => return Ok(()),
                [0, ..] => {
                    let zeros = ahead.iter().take_while(|byte| **byte == 0).count();
                    source.consume(zeros);
                }
                [first, ..] if *first == GZIP_MAGIC[0] => {
                    self.layer = Layer::Gzip(Box::new(GzDecoder::new(source)));
                    return Ok(());
                }
                _ => {
                    let reason = "something else follows the gzip member".to_owned();
                    return Err(Damage { offset: Some(at), reason });
                }
            }
        }
    }

    /// What follows a zstd frame: another one, or the end.
    fn next_frame(&mut self) -> Result<(), Damage> {
        let Layer::Zstd(layer) = std::mem::replace(&mut self.layer, Layer::Ended) else {
            return Ok(());
        };
        let mut source = layer.into_inner();
        let at = taken(&source);
        if source.fill_buf().map_err(|error| broken("zstd", at, &error))?.is_empty() {
            return Ok(());
        }
        let decoder = ruzstd::decoding::StreamingDecoder::new(source).map_err(|_| {
            let reason = "something else follows the zstd frame".to_owned();
            Damage { offset: Some(at), reason }
        })?;
        self.layer = Layer::Zstd(Box::new(decoder));
        Ok(())
    }
}

/// How many of the compressed bytes have been used.
fn taken(source: &Source<'_>) -> u64 {
    let (head, rest) = source.get_ref().get_ref();
    (head.position() + rest.taken).saturating_sub(source.buffer().len() as u64)
}

fn broken(layer: &str, at: u64, error: &std::io::Error) -> Damage {
    let reason = match error.kind() {
        std::io::ErrorKind::UnexpectedEof => format!("the {layer} layer ends early"),
        _ => format!("the {layer} layer is damaged: {error}"),
    };
    Damage { offset: Some(at), reason }
}
