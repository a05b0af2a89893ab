//! A JPEG decoder for untrusted bytes: baseline and progressive files, at full, half, quarter and eighth size.
//!
//! ```no_run
//! let bytes = std::fs::read("photograph.jpg")?;
//! let jpeg = face_predict_jpeg::Jpeg::new(&bytes)?;
//! let pixels = jpeg.decode(face_predict_jpeg::Scale::Quarter)?;
//! assert_eq!(pixels.data.len(), pixels.width * pixels.height * pixels.channels());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! At each scale the pixels equal those of libjpeg-turbo, within a step or two of 255. There is no unsafe code, no
//! thread, and no panic. The size in the header and the number of bytes bound the memory and the time. [`Jpeg::new`]
//! reads only the header, so that the caller can refuse a size.
//!
//! A file with all of its blocks is decoded even if its end marker is missing. A file that ends before that is an
//! error.
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
mod wide;

pub use error::{Error, ErrorKind, Result};
pub use frame::Scale;
pub use jpeg::Jpeg;
pub use pixels::Pixels;
