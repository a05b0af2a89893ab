//! Numbers that look random and are the same everywhere.
#![allow(dead_code)] // Not every test needs each kind.

pub struct Numbers(pub u64);

impl Numbers {
    fn step(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }

    /// Returns numbers from -1 to 1.
    pub fn next(&mut self) -> f32 {
        ((self.step() >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * 2.0
    }

    pub fn take(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.next()).collect()
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.step() >> 33) as usize % limit
    }
}
