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
                bytes[index % BLOCKS + 1] = bits(block, |byte| anchor.is(byte));
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
    fn hits<const A: usize>(self, masks: &mut Masks<A>, index: usize, anchor: Anchor) -> u32 {
        let behind = |words: &[u64; BLOCKS + 1], block: usize, by: u32| {
            words[block + 1] << by | words[block] >> (64 - by)
        };
        let Some(bytes) = masks.bytes.get(index) else { return 0 };
        let mut blocks = 0;
        for (block, found) in masks.found.iter_mut().enumerate() {
            let opened = behind(&masks.quotes, block, anchor.length);
            let bytes = behind(bytes, block, anchor.length - anchor.offset);
            *found = masks.quotes[block + 1] & opened & bytes;
            blocks |= u32::from(*found != 0) << block;
        }
        blocks
    }
}
