//! Decodes files again and again at each scale, and prints the shortest time: `jpeg_time ROUNDS FILE...`
//!
//! `scripts/bench/jpeg.sh` runs it and libjpeg-turbo in turns.

use std::error::Error;
use std::time::{Duration, Instant};

use face_predict_jpeg::{Jpeg, Scale};

/// A round decodes for this long at least, because the system counts CPU time in steps of some milliseconds.
const ROUND: Duration = Duration::from_millis(100);

/// Returns the CPU time of this thread in milliseconds. Other programs disturb it less than time on the clock.
fn computed() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(stat.split(' ').next()?.parse::<f64>().ok()? / 1e6)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let rounds: usize = arguments.next().ok_or("jpeg_time ROUNDS FILE...")?.parse()?;
    for path in arguments {
        let bytes = std::fs::read(&path)?;
        for scale in Scale::ALL.into_iter().rev() {
            let mut least = f64::INFINITY;
            for _ in 0..rounds {
                let (start, wall) = (computed(), Instant::now());
                let mut decoded = 0;
                while wall.elapsed() < ROUND {
                    Jpeg::new(&bytes)?.decode(scale)?;
                    decoded += 1;
                }
                let took = match (computed(), start) {
                    (Some(end), Some(start)) => end - start,
                    _ => wall.elapsed().as_secs_f64() * 1e3,
                };
                least = least.min(took / f64::from(decoded));
            }
            println!("{path} {} {least:.3}", scale.divisor());
        }
    }
    Ok(())
}
