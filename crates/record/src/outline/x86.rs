//! A walk with the vector instructions of x86-64 processors: AVX-512 where there is, else AVX2.
#![expect(
    clippy::indexing_slicing,
    reason = "indices into arrays of a chunk are kept below their lengths"
)]

use std::arch::x86_64::{__m256i, __m512i};

use pulp::{
    NullaryFnOnce, cast,
    x86::{V3, V4},
};

use crate::outline::{
    Anchor, Walk, Walked,
    lanes::{BLOCKS, CHUNK_BYTES, Lanes, Masks, begin_inside},
    portable::Portable,
};

/// What turns a bracket's two kinds into one: `[` is `{` without this bit.
const KIND: i8 = 0x20;

/// Takes the walk with the best that this processor has.
pub(super) fn run<const A: usize>(walk: Walk<'_, A>) -> Walked {
    if let Some(simd) = V4::try_new() {
        simd.vectorize(Task { lanes: Avx512(simd), walk })
    } else if let Some(simd) = V3::try_new() {
        simd.vectorize(Task { lanes: Avx2(simd), walk })
    } else {
        walk.run(Portable)
    }
}

/// A walk to be compiled for the instructions that its lanes use.
struct Task<'a, L, const A: usize> {
    lanes: L,
    walk: Walk<'a, A>,
}

impl<L: Lanes, const A: usize> NullaryFnOnce for Task<'_, L, A> {
    type Output = Walked;

    #[inline(always)]
    fn call(self) -> Walked {
        self.walk.run(self.lanes)
    }
}

#[derive(Clone, Copy)]
pub(super) struct Avx2(pub(super) V3);

#[derive(Clone, Copy)]
pub(super) struct Avx512(pub(super) V4);

impl Avx2 {
    #[inline(always)]
    fn all(self, byte: u8) -> __m256i {
        self.0.avx._mm256_set1_epi8(byte.cast_signed())
    }

    /// A bit for each byte of both halves of a block that is `byte`.
    #[inline(always)]
    fn bits(self, halves: [__m256i; 2], byte: u8) -> u64 {
        let [low, high] = halves.map(|half| {
            let equal = self.0.avx2._mm256_cmpeq_epi8(half, self.all(byte));
            u64::from(self.0.avx2._mm256_movemask_epi8(equal).cast_unsigned())
        });
        low | high << 32
    }

    /// The bits that are set where an odd number of bits is set up to them.
    #[inline(always)]
    fn odd(self, bits: __m256i) -> __m256i {
        let simd = self.0.avx2;
        let bits = simd._mm256_xor_si256(bits, simd._mm256_slli_epi64::<1>(bits));
        let bits = simd._mm256_xor_si256(bits, simd._mm256_slli_epi64::<2>(bits));
        let bits = simd._mm256_xor_si256(bits, simd._mm256_slli_epi64::<4>(bits));
        let bits = simd._mm256_xor_si256(bits, simd._mm256_slli_epi64::<8>(bits));
        let bits = simd._mm256_xor_si256(bits, simd._mm256_slli_epi64::<16>(bits));
        simd._mm256_xor_si256(bits, simd._mm256_slli_epi64::<32>(bits))
    }

    /// The highest bits of four words.
    #[inline(always)]
    fn highest(self, words: __m256i) -> u64 {
        let simd = self.0.avx;
        u64::from(simd._mm256_movemask_pd(simd._mm256_castsi256_pd(words)).cast_unsigned())
    }
}

impl Lanes for Avx2 {
    #[inline(always)]
    fn look<const A: usize>(
        self,
        chunk: &[u8; CHUNK_BYTES],
        anchors: &[Anchor; A],
        masks: &mut Masks<A>,
    ) -> bool {
        let simd = self.0.avx2;
        let (blocks, _) = chunk.as_chunks::<64>();
        let mut backslashes = self.all(0);
        let mut highest = self.all(0);
        for (index, block) in blocks.iter().enumerate() {
            let halves: [__m256i; 2] = cast(*block);
            let kinds = halves.map(|half| simd._mm256_or_si256(half, cast([KIND; 32])));
            for half in halves {
                let equal = simd._mm256_cmpeq_epi8(half, self.all(b'\\'));
                backslashes = simd._mm256_or_si256(backslashes, equal);
                highest = simd._mm256_or_si256(highest, half);
            }
            masks.quotes[index % BLOCKS + 1] = self.bits(halves, b'"');
            masks.open[index % BLOCKS] = self.bits(kinds, b'{');
            masks.close[index % BLOCKS] = self.bits(kinds, b'}');
            for (bytes, anchor) in masks.bytes.iter_mut().zip(anchors) {
                let blind = self.all(anchor.blind);
                let halves = halves.map(|half| simd._mm256_or_si256(half, blind));
                bytes[index % BLOCKS + 1] = self.bits(halves, anchor.byte);
            }
        }
        masks.is_ascii &= simd._mm256_movemask_epi8(highest) == 0;
        simd._mm256_movemask_epi8(backslashes) != 0
    }

    #[inline(always)]
    fn backslashes<const A: usize>(self, chunk: &[u8; CHUNK_BYTES], masks: &mut Masks<A>) {
        let (blocks, _) = chunk.as_chunks::<64>();
        for (backslashes, block) in masks.backslashes.iter_mut().zip(blocks) {
            *backslashes = self.bits(cast(*block), b'\\');
        }
    }

    #[inline(always)]
    fn outside<const A: usize>(self, masks: &mut Masks<A>, inside: &mut u64) {
        let simd = self.0.avx2;
        let (_, quotes) = masks.quotes.as_rchunks::<4>();
        let mut strings = [self.all(0); BLOCKS / 4];
        let mut odd = 0;
        for (index, (strings, quotes)) in strings.iter_mut().zip(quotes).enumerate() {
            *strings = self.odd(cast(*quotes));
            odd |= self.highest(*strings) << (4 * index);
        }
        let begin = begin_inside(odd, inside);
        let lanes = self.0.avx._mm256_setr_epi64x(1, 2, 4, 8);
        let (open, _) = masks.open.as_chunks_mut::<4>();
        let (close, _) = masks.close.as_chunks_mut::<4>();
        for (index, strings) in strings.iter().enumerate() {
            let begin = self.0.avx._mm256_set1_epi64x((begin >> (4 * index)).cast_signed());
            let begin = simd._mm256_cmpeq_epi64(simd._mm256_and_si256(begin, lanes), lanes);
            let strings = simd._mm256_xor_si256(*strings, begin);
            for words in [&mut open[index], &mut close[index]] {
                *words = cast(simd._mm256_andnot_si256(strings, cast(*words)));
            }
        }
    }

    #[inline(always)]
    fn hits<const A: usize>(self, masks: &mut Masks<A>, index: usize, anchor: Anchor) -> u32 {
        let simd = self.0.avx2;
        let count = |by: u32| self.0.sse2._mm_set1_epi64x(i64::from(by));
        let behind = |words: [u64; 4], before: [u64; 4], by: u32| {
            let these = simd._mm256_sll_epi64(cast(words), count(by));
            let those = simd._mm256_srl_epi64(cast(before), count(64 - by));
            simd._mm256_or_si256(these, those)
        };
        let bytes = &masks.bytes[index % A.max(1)];
        let ((_, quotes), (quotes_before, _)) =
            (masks.quotes.as_rchunks::<4>(), masks.quotes.as_chunks::<4>());
        let ((_, bytes), (bytes_before, _)) = (bytes.as_rchunks::<4>(), bytes.as_chunks::<4>());
        let (found, _) = masks.found.as_chunks_mut::<4>();
        let mut none = 0;
        for index in 0..BLOCKS / 4 {
            let opened = behind(quotes[index], quotes_before[index], anchor.length);
            let by = anchor.length - anchor.offset;
            let bytes = behind(bytes[index], bytes_before[index], by);
            let hits = simd._mm256_and_si256(opened, bytes);
            let hits = simd._mm256_and_si256(hits, cast(quotes[index]));
            found[index] = cast(hits);
            none |= self.highest(simd._mm256_cmpeq_epi64(hits, self.all(0))) << (4 * index);
        }
        !u32::try_from(none).unwrap_or(0)
    }
}

impl Avx512 {
    #[inline(always)]
    fn all(self, byte: u8) -> __m512i {
        self.0.avx512f._mm512_set1_epi8(byte.cast_signed())
    }

    #[inline(always)]
    fn bits(self, block: __m512i, byte: u8) -> u64 {
        self.0.avx512bw._mm512_cmpeq_epi8_mask(block, self.all(byte))
    }

    /// The bits that are set where an odd number of bits is set up to them.
    #[inline(always)]
    fn odd(self, bits: __m512i) -> __m512i {
        let simd = self.0.avx512f;
        let bits = simd._mm512_xor_si512(bits, simd._mm512_slli_epi64::<1>(bits));
        let bits = simd._mm512_xor_si512(bits, simd._mm512_slli_epi64::<2>(bits));
        let bits = simd._mm512_xor_si512(bits, simd._mm512_slli_epi64::<4>(bits));
        let bits = simd._mm512_xor_si512(bits, simd._mm512_slli_epi64::<8>(bits));
        let bits = simd._mm512_xor_si512(bits, simd._mm512_slli_epi64::<16>(bits));
        simd._mm512_xor_si512(bits, simd._mm512_slli_epi64::<32>(bits))
    }
}

impl Lanes for Avx512 {
    #[inline(always)]
    fn look<const A: usize>(
        self,
        chunk: &[u8; CHUNK_BYTES],
        anchors: &[Anchor; A],
        masks: &mut Masks<A>,
    ) -> bool {
        let simd = self.0.avx512f;
        let (blocks, _) = chunk.as_chunks::<64>();
        // The least difference to a backslash of all bytes in each place.
        let mut nearest = self.all(0xff);
        let mut highest = self.all(0);
        for (index, block) in blocks.iter().enumerate() {
            let block: __m512i = cast(*block);
            let kinds = simd._mm512_or_si512(block, cast([KIND; 64]));
            let difference = simd._mm512_xor_si512(block, self.all(b'\\'));
            nearest = self.0.avx512bw._mm512_min_epu8(nearest, difference);
            highest = simd._mm512_or_si512(highest, block);
            masks.quotes[index % BLOCKS + 1] = self.bits(block, b'"');
            masks.open[index % BLOCKS] = self.bits(kinds, b'{');
            masks.close[index % BLOCKS] = self.bits(kinds, b'}');
            for (bytes, anchor) in masks.bytes.iter_mut().zip(anchors) {
                let seen = simd._mm512_or_si512(block, self.all(anchor.blind));
                bytes[index % BLOCKS + 1] = self.bits(seen, anchor.byte);
            }
        }
        masks.is_ascii &= self.0.avx512bw._mm512_movepi8_mask(highest) == 0;
        self.bits(nearest, 0) != 0
    }

    #[inline(always)]
    fn backslashes<const A: usize>(self, chunk: &[u8; CHUNK_BYTES], masks: &mut Masks<A>) {
        let (blocks, _) = chunk.as_chunks::<64>();
        for (backslashes, block) in masks.backslashes.iter_mut().zip(blocks) {
            *backslashes = self.bits(cast(*block), b'\\');
        }
    }

    #[inline(always)]
    fn outside<const A: usize>(self, masks: &mut Masks<A>, inside: &mut u64) {
        let (simd, words) = (self.0.avx512f, self.0.avx512dq);
        let (_, quotes) = masks.quotes.as_rchunks::<8>();
        let mut strings = [self.all(0); BLOCKS / 8];
        let mut odd = 0;
        for (index, (strings, quotes)) in strings.iter_mut().zip(quotes).enumerate() {
            *strings = self.odd(cast(*quotes));
            odd |= u64::from(words._mm512_movepi64_mask(*strings)) << (8 * index);
        }
        let begin = begin_inside(odd, inside).to_le_bytes();
        let (open, _) = masks.open.as_chunks_mut::<8>();
        let (close, _) = masks.close.as_chunks_mut::<8>();
        for (index, (strings, begin)) in strings.iter().zip(begin).enumerate() {
            let strings = simd._mm512_xor_si512(*strings, words._mm512_movm_epi64(begin));
            for words in [&mut open[index], &mut close[index]] {
                *words = cast(simd._mm512_andnot_si512(strings, cast(*words)));
            }
        }
    }

    #[inline(always)]
    fn hits<const A: usize>(self, masks: &mut Masks<A>, index: usize, anchor: Anchor) -> u32 {
        let simd = self.0.avx512f;
        let count = |by: u32| self.0.sse2._mm_set1_epi64x(i64::from(by));
        let behind = |words: [u64; 8], before: [u64; 8], by: u32| {
            let these = simd._mm512_sll_epi64(cast(words), count(by));
            let those = simd._mm512_srl_epi64(cast(before), count(64 - by));
            simd._mm512_or_si512(these, those)
        };
        let bytes = &masks.bytes[index % A.max(1)];
        let ((_, quotes), (quotes_before, _)) =
            (masks.quotes.as_rchunks::<8>(), masks.quotes.as_chunks::<8>());
        let ((_, bytes), (bytes_before, _)) = (bytes.as_rchunks::<8>(), bytes.as_chunks::<8>());
        let (found, _) = masks.found.as_chunks_mut::<8>();
        let mut blocks = 0;
        for index in 0..BLOCKS / 8 {
            let opened = behind(quotes[index], quotes_before[index], anchor.length);
            let by = anchor.length - anchor.offset;
            let bytes = behind(bytes[index], bytes_before[index], by);
            let hits = simd._mm512_and_si512(opened, bytes);
            let hits = simd._mm512_and_si512(hits, cast(quotes[index]));
            found[index] = cast(hits);
            blocks |= u32::from(simd._mm512_test_epi64_mask(hits, hits)) << (8 * index);
        }
        blocks
    }
}
