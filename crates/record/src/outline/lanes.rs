//! What a processor has to offer for a walk, and what is noted of 32 blocks of 64 bytes.
#![expect(
    clippy::indexing_slicing,
    reason = "indices into arrays of a chunk are kept below their lengths"
)]

use crate::outline::Anchor;

/// Blocks that are looked at together.
pub(super) const BLOCKS: usize = 32;
/// Their bytes.
pub(super) const CHUNK_BYTES: usize = BLOCKS * 64;

/// A bit a byte, a word a block.
pub(super) type Bits = [u64; BLOCKS];

/// What was seen in a chunk.
pub(super) struct Masks<const A: usize> {
    /// Quotes, first those of the block before.
    pub(super) quotes: [u64; BLOCKS + 1],
    /// `{` and `[`; once told, only those outside of strings.
    pub(super) open: Bits,
    /// `}` and `]`; once told, only those outside of strings.
    pub(super) close: Bits,
    /// Backslashes, where there are any.
    pub(super) backslashes: Bits,
    /// The bytes of the anchors, first those of the block before.
    pub(super) bytes: [[u64; BLOCKS + 1]; A],
    /// The closing quotes of one anchor's hits.
    pub(super) found: Bits,
    /// Whether no byte so far is above 127.
    pub(super) is_ascii: bool,
}

/// Operations on whole chunks.
pub(super) trait Lanes: Copy {
    /// Notes quotes, brackets, the anchors' bytes and bytes above 127; whether there are
    /// backslashes.
    fn look<const A: usize>(
        self,
        chunk: &[u8; CHUNK_BYTES],
        anchors: &[Anchor; A],
        masks: &mut Masks<A>,
    ) -> bool;

    /// Notes backslashes.
    fn backslashes<const A: usize>(self, chunk: &[u8; CHUNK_BYTES], masks: &mut Masks<A>);

    /// Takes out the brackets that are inside of strings. `inside` is 1 where the chunk begins
    /// inside of one, and afterwards where it ends so.
    fn outside<const A: usize>(self, masks: &mut Masks<A>, inside: &mut u64);

    /// Notes quotes that close a string as long as `anchor`, number `index`, with its byte in its
    /// place; answers which blocks hold such.
    fn hits<const A: usize>(self, masks: &mut Masks<A>, index: usize, anchor: Anchor) -> u32;
}

impl<const A: usize> Masks<A> {
    pub(super) fn new() -> Self {
        Self {
            quotes: [0; BLOCKS + 1],
            open: [0; BLOCKS],
            close: [0; BLOCKS],
            backslashes: [0; BLOCKS],
            bytes: [[0; BLOCKS + 1]; A],
            found: [0; BLOCKS],
            is_ascii: true,
        }
    }

    /// The brackets of a block that open, and those that close.
    #[inline(always)]
    pub(super) fn brackets(&self, block: usize) -> (u64, u64) {
        (self.open[block % BLOCKS], self.close[block % BLOCKS])
    }

    /// The hits in a block.
    #[inline(always)]
    pub(super) fn found(&self, block: usize) -> u64 {
        self.found[block % BLOCKS]
    }

    /// Keeps the last block's quotes and bytes for the next chunk.
    #[inline(always)]
    pub(super) fn carry(&mut self) {
        self.quotes[0] = self.quotes[BLOCKS];
        for bytes in &mut self.bytes {
            bytes[0] = bytes[BLOCKS];
        }
    }

    /// Takes a block's escaped quotes out; answers the backslashes that begin an escape. `escaped`
    /// is 1 where the block's first byte is escaped, and afterwards where the next one's is.
    #[inline(always)]
    pub(super) fn unescape(&mut self, block: usize, escaped: &mut u64) -> u64 {
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        let backslashes = self.backslashes[block % BLOCKS];
        // A run of backslashes escapes what follows where its length is odd: subtracting a run
        // from its odd places carries up to the byte behind it.
        let begins = backslashes & !*escaped;
        let carried = ((begins << 1) | ODD).wrapping_sub(begins) ^ ODD;
        let escapes = carried ^ (backslashes | *escaped);
        let starts = carried & backslashes;
        *escaped = starts >> 63;
        self.quotes[block % BLOCKS + 1] &= !escapes;
        starts
    }
}

/// For each of 32 blocks whether it begins inside a string, from whether the number of quotes in
/// each is odd.
#[inline(always)]
pub(super) fn begin_inside(odd: u64, inside: &mut u64) -> u64 {
    let mut upto = odd;
    upto ^= upto << 1;
    upto ^= upto << 2;
    upto ^= upto << 4;
    upto ^= upto << 8;
    upto ^= upto << 16;
    let before = (upto << 1) ^ 0_u64.wrapping_sub(*inside);
    *inside ^= (upto >> (BLOCKS - 1)) & 1;
    before & ((1 << BLOCKS) - 1)
}
