//! A small generator of numbers whose sequence never changes.
//!
//! Libraries reserve the right to change theirs, and a sample must have the same bytes for the same seed for ever.

/// SplitMix64, by Steele, Lea and Flood.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to below `bound`, which is at least 1.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        // The product's upper half is spread evenly enough for made-up people.
        let product = u128::from(self.next()) * u128::from(bound);
        u32::try_from(product >> 64).unwrap_or(0)
    }

    /// A number from 0 to below `bound`, which is at least 1.
    pub(super) fn small(&mut self, bound: u8) -> u8 {
        u8::try_from(self.below(u32::from(bound))).unwrap_or(0)
    }

    /// A day of a year, from 0.
    pub(super) fn day(&mut self) -> u16 {
        u16::try_from(self.below(365)).unwrap_or(0)
    }

    /// True so many times in a thousand.
    pub(super) fn permille(&mut self, times: u32) -> bool {
        self.below(1000) < times
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(u32::try_from(from.len()).unwrap_or(u32::MAX)) as usize]
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(u32::try_from(last + 1).unwrap_or(u32::MAX)) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_sequence_is_fixed() {
        let mut random = Random::new(1);
        let numbers: Vec<u32> = (0..6).map(|_| random.below(1000)).collect();
        insta::assert_debug_snapshot!(numbers, @r#"
        [
            566,
            745,
            971,
            444,
            444,
            762,
        ]
        "#);
    }
}
