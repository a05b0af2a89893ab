//! Working memory that is kept from call to call.

use crate::error::{Error, ErrorKind, Result};

/// The first `len` items of `memory`, which grows where it must.
pub(crate) fn grow_to<T: Clone + Default>(memory: &mut Vec<T>, len: usize) -> Result<&mut [T]> {
    if memory.len() < len {
        memory.try_reserve(len - memory.len()).map_err(|_| {
            Error::new(ErrorKind::OutOfMemory, format!("no memory for {len} numbers"))
        })?;
        memory.resize(len, T::default());
    }
    Ok(&mut memory[..len])
}
