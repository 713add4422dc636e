//! Order-free sums: two sides that are read in different orders hold the same things exactly when their sums agree.

/// A sum over pairs of a name and a number. Two different collections agree by chance once in 2^128.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) count: u64,
    sum: u128,
}

impl Sum {
    pub(crate) fn add(&mut self, name: u128, number: i64) {
        let high = mixed(name >> 64 ^ u128::from(mixed(name, 0x5851_F42D_4C95_7F2D)), number.cast_unsigned());
        let low = mixed(name, !number.cast_unsigned());
        self.count += 1;
        self.sum = self.sum.wrapping_add(u128::from(high) << 64 | u128::from(low));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
fn mixed(name: u128, number: u64) -> u64 {
    let mut value = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for half in [(name >> 64) as u64, name as u64] {
        value = (value ^ half).wrapping_add(0x9E37_79B9_7F4A_7C15);
        value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^= value >> 31;
    }
    value
}
