//! Chance as an argument.

/// A source of unpredictable bytes. The executable hands in the system's; tests hand in a seeded one.
pub trait Entropy: Send + Sync {
    /// Fills the buffer with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// Convenience draws from any [`Entropy`].
pub trait Draw {
    /// An array of unpredictable bytes.
    fn bytes<const N: usize>(&self) -> [u8; N];
    /// A number from 0 to `bound - 1`, without bias. A zero bound gives 0.
    fn below(&self, bound: u64) -> u64;
}

impl<E: Entropy + ?Sized> Draw for E {
    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut buffer = [0; N];
        self.fill(&mut buffer);
        buffer
    }

    fn below(&self, bound: u64) -> u64 {
        if bound < 2 {
            return 0;
        }
        // Values above the last whole multiple would favour small results: draw again.
        let limit = u64::MAX - u64::MAX % bound;
        loop {
            let value = u64::from_be_bytes(self.bytes());
            if value < limit {
                return value % bound;
            }
        }
    }
}
