//! Grows buffers without ending the process if memory is short. It also checks in advance that there is memory for code
//! that would end the process without it.

use crate::error::{Error, ErrorKind, Result};

/// The small blocks of one step take at most this much together. The standard library, the engine and the decoders end the
/// process if there is no memory for one of them.
#[cfg(not(target_family = "wasm"))]
const SMALL_BLOCKS: usize = 1 << 20;

/// Returns the first `len` items of `memory`, which grows if it must.
pub(crate) fn grow_to<T: Clone + Default>(memory: &mut Vec<T>, len: usize) -> Result<&mut [T]> {
    if memory.len() < len {
        reserve(memory, len - memory.len())?;
        memory.resize(len, T::default());
    }
    Ok(&mut memory[..len])
}

/// Makes room for `more` further items, so that adding them cannot fail.
pub(crate) fn reserve<T>(memory: &mut Vec<T>, more: usize) -> Result<()> {
    memory.try_reserve(more).map_err(|_| {
        let len = memory.len().saturating_add(more);
        Error::new(ErrorKind::OutOfMemory, format!("there is no memory for {len} entries"))
    })
}

/// Makes `count` items with `item`.
pub(crate) fn list<T>(count: usize, item: impl FnMut() -> T) -> Result<Vec<T>> {
    let mut items = Vec::new();
    reserve(&mut items, count)?;
    items.extend(std::iter::repeat_with(item).take(count));
    Ok(items)
}

/// The memory of a WebAssembly module only ever grows, and a module that runs out of it is started anew.
#[cfg(target_family = "wasm")]
pub(crate) fn room(_: usize) -> Result<()> {
    Ok(())
}

/// Fails if there are not `bytes` and [`SMALL_BLOCKS`] of memory in one piece. The next step takes them in blocks whose
/// failure would end the process, so this asks for them before. Nothing is touched or kept, so it takes a microsecond.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn room(bytes: usize) -> Result<()> {
    let mut block = Vec::<u8>::new();
    let wanted = bytes.saturating_add(SMALL_BLOCKS);
    block.try_reserve_exact(wanted).map_err(|_| {
        let told = format!("there is no memory for {wanted} bytes, which the next step may take");
        Error::new(ErrorKind::OutOfMemory, told)
    })?;
    // The compiler would leave out an allocation that nobody uses.
    std::hint::black_box(block.as_mut_ptr());
    Ok(())
}
