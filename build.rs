//! Options for the linker of the shared library: its soname (on macOS its install name), whose major version is that of the
//! ABI, and what unloading does.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let major = std::env::var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
    if target == "macos" {
        // Programs keep this name. Without it they would keep the path of the folder where Cargo built the library.
        println!(
            "cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libface_predict.{major}.dylib"
        );
    }
    if ["linux", "android", "freebsd"].contains(&target.as_str()) {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libface_predict.so.{major}");
        // One object of tract lacks the note that it needs no executable stack.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,noexecstack");
        // The built-in networks live as long as the process. A program that unloads the library and loads it again
        // would load them again each time.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
