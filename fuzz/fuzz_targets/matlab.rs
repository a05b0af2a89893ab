#![no_main]

#[path = "../../training/src/data/matlab.rs"]
#[allow(dead_code)]
mod matlab;

// Any bytes as a MATLAB file give an error, or values that can be read.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(variables) = matlab::read(data) else { return };
    for value in variables.values() {
        let _ = (value.numbers(), value.number(), value.text(), value.cells(), value.field("dob"));
    }
    let first = f64::from_le_bytes(std::array::from_fn(|i| data.get(i).copied().unwrap_or(0)));
    matlab::date(first);
    let second = f64::from_le_bytes(std::array::from_fn(|i| data.get(8 + i).copied().unwrap_or(0)));
    matlab::age_in(first, second);
});
