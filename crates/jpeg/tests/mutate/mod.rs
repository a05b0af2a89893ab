//! Files with some changed bytes, for tests of code that reads files.

/// Returns `seed` with some bytes changed, removed, inserted or doubled, or with its end cut off. `below` returns a
/// number below another one. The first `head` bytes matter most, and are changed more often.
pub fn mutate(mut below: impl FnMut(usize) -> usize, seed: &[u8], head: usize) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = below(bytes.len());
        let at = if below(2) == 0 { at.min(below(head)) } else { at };
        let end = (at + 1 + below(16)).min(bytes.len());
        match below(7) {
            0 => bytes[at] ^= 1 << below(8),
            1 => bytes[at] = below(256) as u8,
            2 => bytes[at] = [0, 0x7F, 0x80, 0xFF][below(4)],
            3 => drop(bytes.drain(at..end)),
            4 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            // A marker as between the segments of a JPEG.
            5 => drop(bytes.splice(at..at, [0xFF, 0xC0 + below(64) as u8])),
            _ => bytes.truncate(at.max(bytes.len() / 2)),
        }
    }
    bytes
}
