//! Gives the shared library its soname: the major version is the ABI's.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if ["linux", "android", "freebsd"].contains(&target.as_str()) {
        let major = std::env::var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libface_predict.so.{major}");
        // One object of tract lacks the note that it needs no executable stack.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,noexecstack");
    }
}
