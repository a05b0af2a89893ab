//! The processor's floating point settings during a call.
//!
//! Some hosts trap floating point exceptions (Delphi does by default), round in another way, or flush tiny numbers to
//! zero. Rust and the engine's kernels are compiled for the default settings: no traps, rounding to nearest. Threads that
//! start within a call inherit them.

/// Sets the default settings until it is dropped. Then it restores those of the host, including the flags.
pub(super) struct DefaultFloat(
    #[cfg_attr(
        any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64"),
        expect(dead_code, reason = "restores when dropped")
    )]
    host::Settings,
);

impl DefaultFloat {
    pub(super) fn enter() -> Self {
        Self(host::Settings::replace())
    }
}

// Miri cannot read registers.
#[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse", not(miri)))]
mod host {
    use std::arch::asm;

    /// The settings of the SSE unit. Those of the old x87 unit, which C's `long double` uses, are added where they are
    /// not the default.
    pub(super) struct Settings {
        sse: u32,
        /// What `fnstenv` stores.
        x87: Option<[u32; 7]>,
    }

    /// All exceptions are masked, and results are rounded to nearest.
    const SSE: u32 = 0x1F80;
    /// The same, with 64 bits of precision.
    const X87: u16 = 0x37F;

    fn sse() -> u32 {
        let mut value = 0u32;
        // SAFETY: this stores a register at a place of its size.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack, preserves_flags)) };
        value
    }

    fn set_sse(value: u32) {
        // SAFETY: these are the default settings, or those that the processor had at the call.
        unsafe {
            asm!("ldmxcsr [{}]", in(reg) &raw const value, options(nostack, preserves_flags))
        };
    }

    impl Settings {
        pub(super) fn replace() -> Self {
            let host = sse();
            if host != SSE {
                set_sse(SSE);
            }
            let mut control = 0u16;
            // SAFETY: this stores a register at a place of its size.
            unsafe {
                asm!("fnstcw [{}]", in(reg) &raw mut control, options(nostack, preserves_flags));
            }
            let x87 = (control != X87).then(|| {
                let (mut environment, default) = ([0u32; 7], X87);
                // SAFETY: this stores 28 bytes. Pending exceptions would trap later, so `fnclex` clears them before the
                // default settings are loaded.
                unsafe {
                    asm!(
                        "fnstenv [{0}]", "fnclex", "fldcw [{1}]",
                        in(reg) environment.as_mut_ptr(), in(reg) &raw const default,
                        options(nostack, preserves_flags)
                    );
                }
                environment
            });
            Self { sse: host, x87 }
        }
    }

    impl Drop for Settings {
        fn drop(&mut self) {
            if let Some(environment) = &self.x87 {
                // SAFETY: these are the 28 bytes that were stored at the call.
                unsafe {
                    asm!("fldenv [{}]", in(reg) environment.as_ptr(), options(nostack, preserves_flags));
                }
            }
            if sse() != self.sse {
                set_sse(self.sse);
            }
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod host {
    use std::arch::asm;

    /// The control register. The flags are in another register, which is not changed.
    pub(super) struct Settings(u64);

    fn set(value: u64) {
        // SAFETY: these are the default settings, or those that the processor had at the call.
        unsafe { asm!("msr fpcr, {}", in(reg) value, options(nomem, nostack, preserves_flags)) };
    }

    impl Settings {
        pub(super) fn replace() -> Self {
            let mut value: u64;
            // SAFETY: this reads a register.
            unsafe {
                asm!("mrs {}, fpcr", out(reg) value, options(nomem, nostack, preserves_flags))
            };
            if value != 0 {
                set(0);
            }
            Self(value)
        }
    }

    impl Drop for Settings {
        fn drop(&mut self) {
            if self.0 != 0 {
                set(self.0);
            }
        }
    }
}

/// These processors have no such settings, as WebAssembly, or no host is known to change them.
#[cfg(not(any(
    all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse", not(miri)),
    target_arch = "aarch64"
)))]
mod host {
    pub(super) struct Settings;

    impl Settings {
        pub(super) fn replace() -> Self {
            Self
        }
    }
}
