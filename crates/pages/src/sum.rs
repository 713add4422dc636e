//! A sum of 64 bits against damage, not against an adversary.
//!
//! Each step is one-to-one both in what was summed before and in the eight bytes that it takes in. So two inputs that differ
//! within one aligned group of eight bytes never have the same sum: a flipped bit is always noticed, and so is everything that
//! happens to one such group. Wider damage stays unnoticed once in 2⁶⁴.

const LANES: usize = 4;
const STEP: usize = 8 * LANES;
/// Odd, so that multiplying by it loses nothing.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(sum: u64, word: u64) -> u64 {
    (sum ^ word).wrapping_mul(FACTOR).rotate_left(29)
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

/// The sum of the bytes. The seed says what they are, such as the number of a page: the same bytes in another place have
/// another sum.
pub fn sum(seed: u64, bytes: &[u8]) -> u64 {
    let mut lanes = [seed, !seed, seed.rotate_left(32), !seed.rotate_left(32)];
    let mut steps = bytes.chunks_exact(STEP);
    for step in &mut steps {
        for (lane, part) in lanes.iter_mut().zip(step.chunks_exact(8)) {
            *lane = mix(*lane, word(part));
        }
    }
    for (lane, part) in lanes.iter_mut().zip(steps.remainder().chunks(8)) {
        *lane = mix(*lane, word(part));
    }
    lanes.iter().fold(bytes.len() as u64, |whole, lane| mix(whole, *lane))
}

#[cfg(test)]
mod tests {
    //! Every flip is noticed, and so is a place that was changed for another.

    use super::sum;

    #[test]
    fn every_flipped_bit_changes_the_sum() {
        for length in [1, 7, 8, 31, 32, 33, 100, 512] {
            let mut bytes: Vec<u8> = (0..length).map(|at: usize| u8::try_from(at % 251).unwrap()).collect();
            let before = sum(7, &bytes);
            for at in 0..length * 8 {
                bytes[at / 8] ^= 1 << (at % 8);
                assert_ne!(sum(7, &bytes), before, "bit {at} of {length} bytes");
                bytes[at / 8] ^= 1 << (at % 8);
            }
            assert_eq!(sum(7, &bytes), before);
        }
    }

    #[test]
    fn the_seed_and_the_length_count() {
        assert_ne!(sum(1, &[0; 64]), sum(2, &[0; 64]));
        assert_ne!(sum(1, &[0; 64]), sum(1, &[0; 63]));
        assert_ne!(sum(1, &[]), sum(1, &[0]));
    }
}
