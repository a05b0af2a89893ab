//! A JPEG decoder for bytes that nobody vouches for: baseline and progressive, at full, half, quarter and eighth size.
//!
//! ```no_run
//! let bytes = std::fs::read("photograph.jpg")?;
//! let jpeg = face_predict_jpeg::Jpeg::new(&bytes)?;
//! let pixels = jpeg.decode(face_predict_jpeg::Scale::Quarter)?;
//! assert_eq!(pixels.data.len(), pixels.width * pixels.height * pixels.channels());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The pixels are those of libjpeg-turbo, at each scale, within a step or two of 255. There is no unsafe code, no thread, and no panic.
//! Memory and time are bounded by the size that the header claims and by the number of bytes: [`Jpeg::new`] reads the header alone,
//! so that the caller can refuse a size.
//!
//! A file whose blocks are all there is decoded although its end marker is missing. One that ends before that is an error.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod bits;
mod color;
mod error;
mod frame;
mod header;
mod huffman;
mod idct;
mod jpeg;
mod pixels;
mod planes;
mod progressive;
mod scan;
mod segments;
mod sequential;
mod tables;
mod upsample;
mod weights;

pub use error::{Error, ErrorKind, Result};
pub use frame::Scale;
pub use jpeg::Jpeg;
pub use pixels::Pixels;
