//! Lets the trainer find libtorch at run time.

fn main() {
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    // A runpath, which LD_LIBRARY_PATH goes before: the same program runs beside another libtorch of the same version. A copy
    // beside the program is found, too.
    println!("cargo::rustc-link-arg=-Wl,--enable-new-dtags,-rpath,$ORIGIN:$ORIGIN/../lib");
    if let Ok(libtorch) = std::env::var("LIBTORCH") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{libtorch}/lib");
    }
}
