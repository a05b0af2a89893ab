//! Memory that may run out: what is kept from call to call, and room for what cannot fail by itself.

use crate::error::{Error, ErrorKind, Result};

/// What the small blocks of one step take together: those of the standard library, the engine and the decoders, which end the process where
/// there is no memory for them.
#[cfg(not(target_family = "wasm"))]
const SMALL_BLOCKS: usize = 1 << 20;

/// The first `len` items of `memory`, which grows where it must.
pub(crate) fn grow_to<T: Clone + Default>(memory: &mut Vec<T>, len: usize) -> Result<&mut [T]> {
    if memory.len() < len {
        reserve(memory, len - memory.len())?;
        memory.resize(len, T::default());
    }
    Ok(&mut memory[..len])
}

/// Makes room for `more` items behind those that are there, so that adding them cannot fail.
pub(crate) fn reserve<T>(memory: &mut Vec<T>, more: usize) -> Result<()> {
    memory.try_reserve(more).map_err(|_| {
        let len = memory.len().saturating_add(more);
        Error::new(ErrorKind::OutOfMemory, format!("no memory for {len} entries"))
    })
}

/// `count` items from `item`.
pub(crate) fn list<T>(count: usize, item: impl FnMut() -> T) -> Result<Vec<T>> {
    let mut items = Vec::new();
    reserve(&mut items, count)?;
    items.extend(std::iter::repeat_with(item).take(count));
    Ok(items)
}

/// A module of WebAssembly, whose memory only ever grows, ends and is started anew.
#[cfg(target_family = "wasm")]
pub(crate) fn room(_: usize) -> Result<()> {
    Ok(())
}

/// Fails where there are not `bytes` and [`SMALL_BLOCKS`] of memory in one piece. What follows takes them in blocks whose failure would end the
/// process, so it is asked before. Nothing is touched or kept: it takes a microsecond.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn room(bytes: usize) -> Result<()> {
    let mut block = Vec::<u8>::new();
    let wanted = bytes.saturating_add(SMALL_BLOCKS);
    block.try_reserve_exact(wanted).map_err(|_| {
        let told = format!("no memory for {wanted} bytes that the next step may take");
        Error::new(ErrorKind::OutOfMemory, told)
    })?;
    // An allocation that nobody sees would be left out.
    std::hint::black_box(block.as_mut_ptr());
    Ok(())
}
