//! Makes small files that claim to be large, or become large when they are unpacked.

/// Returns bytes of zeros, packed 160 to 1 by the fixed code of deflate, and wrapped as zlib does.
pub fn packed_zeros(count: usize) -> Vec<u8> {
    const LONGEST: usize = 258;
    let mut bits = Bits { bytes: vec![0x78, 0x01], fill: 0, bit: 0 };
    bits.low_first(0b1, 1);
    bits.low_first(0b01, 2);
    let literal = |bits: &mut Bits| bits.high_first(0b0011_0000, 8);
    literal(&mut bits);
    let (matches, rest) = ((count - 1) / LONGEST, (count - 1) % LONGEST);
    for _ in 0..matches {
        // The length is 258 and the distance 1.
        bits.high_first(0b1100_0101, 8);
        bits.high_first(0, 5);
    }
    (0..rest).for_each(|_| literal(&mut bits));
    bits.high_first(0, 7);
    let mut bytes = bits.end();
    let adler = (((count % 65521) as u32) << 16) | 1;
    bytes.extend(adler.to_be_bytes());
    bytes
}

struct Bits {
    bytes: Vec<u8>,
    fill: u8,
    bit: u32,
}

impl Bits {
    fn push(&mut self, bit: u32) {
        self.fill |= ((bit & 1) as u8) << self.bit;
        self.bit += 1;
        if self.bit == 8 {
            self.bytes.push(self.fill);
            (self.fill, self.bit) = (0, 0);
        }
    }

    fn low_first(&mut self, value: u32, count: u32) {
        (0..count).for_each(|i| self.push(value >> i));
    }

    fn high_first(&mut self, value: u32, count: u32) {
        (0..count).rev().for_each(|i| self.push(value >> i));
    }

    fn end(mut self) -> Vec<u8> {
        while self.bit != 0 {
            self.push(0);
        }
        self.bytes
    }
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend((data.len() as u32).to_be_bytes());
    let start = out.len();
    out.extend(kind);
    out.extend(data);
    out.extend((!crc(&out[start..])).to_be_bytes());
}

fn crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    })
}

/// Returns a gray PNG whose header states this size, with `data` packed inside. If `profile` is not 0, it has a colour
/// profile of `profile` zeros.
pub fn png(width: u32, height: u32, data: usize, profile: usize) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    chunk(&mut out, b"IHDR", &header);
    if profile > 0 {
        let mut data = b"profile\0\0".to_vec();
        data.extend(packed_zeros(profile));
        chunk(&mut out, b"iCCP", &data);
    }
    chunk(&mut out, b"IDAT", &packed_zeros(data));
    chunk(&mut out, b"IEND", &[]);
    out
}

/// Returns a PNG with one more chunk after its header.
pub fn with_chunk(png: &[u8], kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    const HEADER: usize = 33;
    let mut out = png[..HEADER].to_vec();
    chunk(&mut out, kind, data);
    out.extend(&png[HEADER..]);
    out
}

/// Returns the header of a 24-bit BMP without pixels.
pub fn bmp(width: i32, height: i32) -> Vec<u8> {
    let mut out = b"BM".to_vec();
    out.extend(54u32.to_le_bytes());
    out.extend([0; 4]);
    out.extend(54u32.to_le_bytes());
    out.extend(40u32.to_le_bytes());
    out.extend(width.to_le_bytes());
    out.extend(height.to_le_bytes());
    out.extend([1, 0, 24, 0]);
    out.extend([0; 24]);
    out
}
