#![no_main]

#[path = "../src/bodies.rs"]
#[allow(dead_code, unused_imports)]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::image_descriptor(data));
