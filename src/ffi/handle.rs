//! All casts between C's pointers and Rust's references.

use std::alloc::Layout;
use std::ffi::CStr;

use core::ffi::{c_char, c_void};

use crate::error::{Error, ErrorKind, Result};

/// What C holds a pointer to. It starts with a number that tells whether the pointer is one of ours. A handle of
/// another kind, and often a freed one, is thus refused.
#[repr(C)]
pub(super) struct Tagged<T> {
    tag: u64,
    value: T,
}

/// A type that C knows only by name. It is a tuple struct around its `Tagged` and not `repr(C)`, which keeps its fields
/// out of the header.
pub(super) trait Handle: Sized {
    const TAG: u64;
    const NAME: &'static str;
    type Value;
}

/// Gives an object to C. `Box::new` would end the process when memory is short.
pub(super) fn give<T: Handle>(value: T::Value) -> Result<*mut T> {
    let layout = Layout::new::<Tagged<T::Value>>();
    // SAFETY: the layout has at least the size of the tag.
    let pointer = unsafe { std::alloc::alloc(layout) }.cast::<Tagged<T::Value>>();
    if pointer.is_null() {
        return Err(Error::new(
            ErrorKind::OutOfMemory,
            format!("there is no memory for a {}", T::NAME),
        ));
    }
    // SAFETY: the place is new, and has the right size and alignment.
    unsafe { pointer.write(Tagged { tag: T::TAG, value }) };
    Ok(pointer.cast())
}

fn check<T: Handle>(pointer: *const T) -> Result<*const Tagged<T::Value>> {
    if pointer.is_null() {
        return Err(null(T::NAME));
    }
    let pointer = pointer.cast::<Tagged<T::Value>>();
    let foreign =
        || Error::invalid(format!("{} is not a handle of this kind, or was freed", T::NAME));
    if !pointer.is_aligned() {
        return Err(foreign());
    }
    // SAFETY: the pointer is not null and is aligned. The caller promises that it points to a live object, and all of
    // ours begin with their tag (`repr(C)`).
    if unsafe { pointer.cast::<u64>().read_volatile() } != T::TAG {
        return Err(foreign());
    }
    Ok(pointer)
}

// SAFETY of the next three functions: `pointer` is NULL, or came from `give` and was not freed. For `exclusive` and
// `free`, no other thread uses it meanwhile, as the header asks.

pub(super) unsafe fn shared<'a, T: Handle>(pointer: *const T) -> Result<&'a T::Value>
where
    T::Value: 'a,
{
    let pointer = check(pointer)?;
    // SAFETY: `check` has passed; the rest is the caller's promise.
    Ok(unsafe { &(*pointer).value })
}

pub(super) unsafe fn exclusive<'a, T: Handle>(pointer: *mut T) -> Result<&'a mut T::Value>
where
    T::Value: 'a,
{
    let pointer = check(pointer.cast_const())?.cast_mut();
    // SAFETY: `check` has passed; the rest is the caller's promise.
    Ok(unsafe { &mut (*pointer).value })
}

pub(super) unsafe fn free<T: Handle>(pointer: *mut T) -> Result<()> {
    if pointer.is_null() {
        return Ok(());
    }
    let pointer = check(pointer.cast_const())?.cast_mut();
    // SAFETY: the place is valid. The write is volatile, so that the compiler keeps it although the object ends.
    unsafe { (&raw mut (*pointer).tag).write_volatile(0) };
    // SAFETY: `give` allocated it as a box does. It is freed once, since its tag is gone now.
    drop(unsafe { Box::from_raw(pointer) });
    Ok(())
}

pub(super) fn null(name: &str) -> Error {
    Error::new(ErrorKind::NullArgument, format!("{name} is NULL"))
}

/// Refuses flags that a newer header may have, and that this library does not know.
pub(super) fn known_flags(name: &str, flags: u32, known: u32) -> Result<()> {
    if flags & !known == 0 {
        return Ok(());
    }
    let message = format!("{name} are {flags:#x}, but this library knows only {known:#x}");
    Err(Error::new(ErrorKind::Unsupported, message))
}

/// Writes an output.
pub(super) unsafe fn put<T>(pointer: *mut T, name: &str, value: T) -> Result<()> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: the caller promises a writable place; unaligned ones are allowed.
    unsafe { pointer.write_unaligned(value) };
    Ok(())
}

/// Checks a struct to be filled, which has `size` bytes in the caller's header.
pub(super) fn check_output<T>(pointer: *mut T, name: &str, kind: &str, size: usize) -> Result<()> {
    if pointer.is_null() {
        return Err(null(name));
    }
    if !(16..=4096).contains(&size) {
        let known = size_of::<T>();
        return Err(Error::invalid(format!("size is {size}, but sizeof({kind}) is {known}")));
    }
    Ok(())
}

/// Writes as much of a struct as the caller's header knows, and zeros for the fields that only that header knows. The
/// caller has called `check_output` before.
pub(super) unsafe fn put_part<T: Copy>(pointer: *mut T, value: T, size: usize) {
    let bytes = pointer.cast::<u8>();
    // SAFETY: the caller promises `size` writable bytes, and `value` has its own.
    unsafe {
        bytes.write_bytes(0, size);
        let known = size_of::<T>();
        bytes.copy_from_nonoverlapping(std::ptr::from_ref(&value).cast(), size.min(known));
    }
}

/// Borrows a string in UTF-8 from the caller.
pub(super) unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: the caller promises a string that ends in NUL and outlives the call.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map_err(|e| {
        Error::with_source(
            ErrorKind::InvalidArgument,
            format!("{name} is not UTF-8 at byte {}", e.valid_up_to()),
            e,
        )
    })
}

/// Borrows bytes from the caller.
pub(super) unsafe fn bytes<'a>(
    pointer: *const c_void,
    size: usize,
    name: &str,
) -> Result<&'a [u8]> {
    if pointer.is_null() {
        return Err(null(name));
    }
    if size > isize::MAX as usize {
        return Err(Error::invalid(format!(
            "the size of {name} is {size} bytes, which is more than memory holds"
        )));
    }
    // SAFETY: the pointer is not null, and the size is possible. The caller promises that so many bytes are readable.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast(), size) })
}

/// Borrows an array from the caller.
pub(super) unsafe fn array<'a, T>(pointer: *const T, count: usize, name: &str) -> Result<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(null(name));
    }
    if !pointer.is_aligned() || count > isize::MAX as usize / std::mem::size_of::<T>() {
        return Err(Error::invalid(format!("{name} cannot be an array of {count} entries")));
    }
    // SAFETY: the pointer is not null and is aligned, and the size is possible. The caller promises that so many
    // entries are readable.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// Reads an array of structs, which may be of an older or newer header, from the caller. There are `size` bytes from
/// one to the next; 0 means the size of the first version.
pub(super) unsafe fn entries<T: Entry>(
    pointer: *const T,
    count: usize,
    size: usize,
    mut each: impl FnMut(&T) -> Result<()>,
) -> Result<()> {
    let (known, align) = (size_of::<T>(), align_of::<T>());
    let size = if size == 0 { T::FIRST_SIZE } else { size };
    if !(T::FIRST_SIZE..=4096).contains(&size) || size % align != 0 {
        return Err(Error::invalid(format!(
            "{}_size is {size}, but {} has {known} bytes in this library",
            T::NAME,
            T::TYPE
        )));
    }
    // Before the count is multiplied, which 32 bits may not hold.
    if count != 0 && pointer.is_null() {
        return Err(null(&format!("{}s", T::NAME)));
    }
    // SAFETY: the caller promises so many entries of so many bytes. Bytes are aligned everywhere.
    let bytes = unsafe {
        let count = count.checked_mul(size).ok_or_else(|| {
            Error::invalid(format!("{}s cannot be an array of {count} entries", T::NAME))
        })?;
        array(pointer.cast::<u8>(), count, &format!("{}s", T::NAME))?
    };
    for (index, entry) in bytes.chunks_exact(size).enumerate() {
        if entry[known.min(size)..].iter().any(|byte| *byte != 0) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{}s[{index}] has {size} bytes, but this library knows {known}, and a later byte is not 0",
                    T::NAME
                ),
            ));
        }
        let mut value = T::ZERO;
        // SAFETY: both hold so many bytes, and any bytes are valid numbers.
        unsafe {
            std::ptr::copy_nonoverlapping(
                entry.as_ptr(),
                std::ptr::from_mut(&mut value).cast::<u8>(),
                size.min(known),
            );
        }
        each(&value)?;
    }
    Ok(())
}

/// A struct of which the caller lends arrays. Zero is a valid value of every field, and the default.
pub(super) trait Entry: Copy {
    const TYPE: &'static str;
    /// The name of one entry in messages.
    const NAME: &'static str;
    /// The size in the first version that had the struct.
    const FIRST_SIZE: usize;
    const ZERO: Self;
}

/// A struct that starts with its size and may be of an older or newer header. Zero is a valid value of every
/// field, and the default.
pub(super) trait Growing: Copy {
    const NAME: &'static str;
    /// The size in the first version that had the struct.
    const FIRST_SIZE: usize;
    const ZERO: Self;
}

/// Reads the struct that an argument points to, of any version of the header. A smaller, older struct is filled up with
/// zeros. The unknown tail of a newer one must be zero. Messages call the argument `name`.
pub(super) unsafe fn read<T: Growing>(pointer: *const T, name: &str) -> Result<T> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: the caller promises a readable struct, which starts with its size. It may be unaligned.
    let size = unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
    let known = std::mem::size_of::<T>();
    if size < T::FIRST_SIZE || size > 4096 {
        return Err(Error::invalid(format!(
            "{name}.struct_size is {size}, but sizeof({}) is {known}",
            T::NAME
        )));
    }
    if size > known {
        // SAFETY: the struct says that it is so large.
        let tail =
            unsafe { std::slice::from_raw_parts(pointer.cast::<u8>().add(known), size - known) };
        if tail.iter().any(|byte| *byte != 0) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{name} has {size} bytes, but this library knows {known}, and a later byte is not 0"
                ),
            ));
        }
    }
    let mut value = T::ZERO;
    // SAFETY: both hold so many bytes, and any bytes are valid numbers and pointers.
    unsafe {
        std::ptr::copy_nonoverlapping(
            pointer.cast::<u8>(),
            std::ptr::from_mut(&mut value).cast::<u8>(),
            size.min(known),
        );
    }
    Ok(value)
}

/// Does the same where NULL means all defaults.
pub(super) unsafe fn read_optional<T: Growing>(pointer: *const T, name: &str) -> Result<T> {
    if pointer.is_null() {
        return Ok(T::ZERO);
    }
    // SAFETY: as `read`.
    unsafe { read(pointer, name) }
}
