//! A walk on any processor.
#![expect(
    clippy::indexing_slicing,
    reason = "indices into arrays of a chunk are kept below their lengths"
)]

use crate::outline::{
    Anchor,
    lanes::{BLOCKS, CHUNK_BYTES, Lanes, Masks, begin_inside},
};

/// Nothing but what every processor has.
#[derive(Clone, Copy)]
pub(super) struct Portable;

fn bits(block: &[u8], is: impl Fn(u8) -> bool) -> u64 {
    block.iter().enumerate().fold(0, |bits, (index, byte)| bits | (u64::from(is(*byte)) << index))
}

impl Lanes for Portable {
    #[inline(always)]
    fn look<const A: usize>(
        self,
        chunk: &[u8; CHUNK_BYTES],
        anchors: &[Anchor; A],
        masks: &mut Masks<A>,
    ) -> bool {
        let (blocks, _) = chunk.as_chunks::<64>();
        for (index, block) in blocks.iter().enumerate() {
            masks.quotes[index % BLOCKS + 1] = bits(block, |byte| byte == b'"');
            masks.open[index % BLOCKS] = bits(block, |byte| byte | 0x20 == b'{');
            masks.close[index % BLOCKS] = bits(block, |byte| byte | 0x20 == b'}');
            for (bytes, anchor) in masks.bytes.iter_mut().zip(anchors) {
                bytes[index % BLOCKS] = bits(block, |byte| byte == anchor.byte);
            }
        }
        masks.is_ascii &= chunk.is_ascii();
        chunk.contains(&b'\\')
    }

    #[inline(always)]
    fn backslashes<const A: usize>(self, chunk: &[u8; CHUNK_BYTES], masks: &mut Masks<A>) {
        let (blocks, _) = chunk.as_chunks::<64>();
        for (backslashes, block) in masks.backslashes.iter_mut().zip(blocks) {
            *backslashes = bits(block, |byte| byte == b'\\');
        }
    }

    #[inline(always)]
    fn outside<const A: usize>(self, masks: &mut Masks<A>, inside: &mut u64) {
        let mut strings = [0; BLOCKS];
        let mut odd = 0;
        for (index, strings) in strings.iter_mut().enumerate() {
            let mut bits = masks.quotes[index + 1];
            for by in [1, 2, 4, 8, 16, 32] {
                bits ^= bits << by;
            }
            odd |= (bits >> 63) << index;
            *strings = bits;
        }
        let begin = begin_inside(odd, inside);
        for (index, strings) in strings.iter().enumerate() {
            let strings = strings ^ 0_u64.wrapping_sub((begin >> index) & 1);
            masks.open[index] &= !strings;
            masks.close[index] &= !strings;
        }
    }

    #[inline(always)]
    fn hits<const A: usize>(self, masks: &mut Masks<A>, index: usize, offset: u32) -> u32 {
        let mut blocks = 0;
        let Some(bytes) = masks.bytes.get(index) else { return 0 };
        for (block, bytes) in bytes.iter().enumerate() {
            let quotes = masks.quotes[block + 1] << offset | masks.quotes[block] >> (64 - offset);
            let found = quotes & bytes;
            masks.found[block] = found;
            blocks |= u32::from(found != 0) << block;
        }
        blocks
    }
}
