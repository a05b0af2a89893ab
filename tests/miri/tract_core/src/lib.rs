//! The names of the engine, without an engine.

pub mod prelude {
    pub use crate::tvec;
    pub type TVec<T> = Vec<T>;
}

#[macro_export]
macro_rules! tvec {
    ($($item:expr),*) => { vec![$($item),*] };
}
