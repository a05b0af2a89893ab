# Sourced by the scripts that build for other systems. `cross_env TARGET` installs what the target needs, and sets
#   cross_cc         a compiler of C that links for it
#   cross_libraries  what a program needs beside the archive
#   cross_run        what runs a program of it here
#   cross_build      the options of Cargo that build the standard library along, for targets without a prebuilt one
# Compilers come from Debian (as root), standard libraries from rustup.
cross_env() {
    target=$1 cross_run='' cross_build='' cross_packages=''
    cross_libraries="-Wl,-z,noexecstack -lpthread -lm -ldl"
    case $target in
    x86_64-pc-windows-gnu)
        # The threads of POSIX, which tests/c/threads.c uses.
        cross_cc=x86_64-w64-mingw32-gcc-posix cross_packages="gcc-mingw-w64-x86-64-posix wine64 wine"
        cross_libraries="-static -lws2_32 -luserenv -lntdll -lkernel32 -ldbghelp"
        cross_run=wine ;;
    x86_64-unknown-linux-musl)
        cross_cc=musl-gcc cross_packages=musl-tools
        # Rust's own unwinder: gcc's wants a function of glibc.
        cross_libraries="-static -Wl,-z,noexecstack -L$(rustc --print sysroot)/lib/rustlib/$target/lib/self-contained -lunwind" ;;
    aarch64-unknown-linux-gnu)
        cross_cc=aarch64-linux-gnu-gcc cross_packages="gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"
        cross_run="qemu-aarch64 -L /usr/aarch64-linux-gnu" ;;
    armv7-unknown-linux-gnueabihf)
        cross_cc=arm-linux-gnueabihf-gcc cross_packages="gcc-arm-linux-gnueabihf libc6-dev-armhf-cross qemu-user"
        cross_run="qemu-arm -L /usr/arm-linux-gnueabihf" ;;
    *-linux-android* | *-apple-*)
        # No linker: a static library needs none, and what it lacks is in the NDK and in Xcode.
        cross_cc=clang cross_packages="clang llvm" ;;
    *)
        echo "$target: known are x86_64-pc-windows-gnu, x86_64-unknown-linux-musl, aarch64-unknown-linux-gnu, armv7-unknown-linux-gnueabihf, Android, iOS and macOS" >&2
        return 1 ;;
    esac
    for program in $cross_cc ${cross_run%% *}; do
        command -v "$program" >/dev/null && continue
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $cross_packages
        break
    done
    if ! rustup target list --installed | grep -qx "$target" && ! rustup target add "$target"; then
        rustup component add rust-src
        cross_build="-Zbuild-std=std,panic_unwind"
    fi
    # For the parts of the engine that are written for the processor: the cc crate and the linker of Rust.
    upper=$(echo "$target" | tr a-z- A-Z_)
    lower=$(echo "$target" | tr - _)
    export "CC_$lower=$cross_cc" "CARGO_TARGET_${upper}_LINKER=$cross_cc"
    case $target in
    *-linux-android* | *-apple-*) export "AR_$lower=llvm-ar" ;;
    esac
    # The cc crate calls this target `arm`, for which clang alone takes an old processor without floating point. The NDK's takes armv7-a.
    case $target in
    armv7-linux-android*) export "CFLAGS_$lower=-march=armv7-a" ;;
    esac
    case $target in
    *-apple-*)
        # The cc crate wants a folder of Apple's headers; what is compiled includes none.
        mkdir -p build/none.sdk
        export SDKROOT="$PWD/build/none.sdk" IPHONEOS_DEPLOYMENT_TARGET=${IPHONEOS_DEPLOYMENT_TARGET:-13.0}
        export MACOSX_DEPLOYMENT_TARGET=${MACOSX_DEPLOYMENT_TARGET:-11.0} ;;
    esac
}

# With the target's standard library, prebuilt or built along; RUSTC_BOOTSTRAP lets a released compiler do the latter.
cross_cargo() {
    command=$1
    shift
    if [ -n "$cross_build" ]; then
        RUSTC_BOOTSTRAP=1 cargo "$command" $cross_build --target "$target" "$@"
    else
        cargo "$command" --target "$target" "$@"
    fi
}
