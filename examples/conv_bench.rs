//! Measures the CPU time of an ONNX file in plain tract and with fast convolutions, in turns, on one thread.
//!
//!     conv_bench FILE [--repeat N] [--shape 1x3x240x320]
//!
//! It prints one line of JSON. With `--serve` it reads lines `plain N` and `fast N` from standard input, and answers
//! with N times in nanoseconds. `scripts/bench/conv.py` can thus run a third engine in between.
#![allow(unsafe_code)]

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use convolution::Accelerator;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;
use tract_onnx::tract_hir::internal::DimLike;

// This is a module of the library that is not part of its API.
#[path = "../src/model/convolution/mod.rs"]
mod convolution;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Plan = Arc<TypedRunnableModel>;

fn main() -> Result<(), Failure> {
    let mut file = None;
    let (mut repeat, mut serve, mut shape) = (200, false, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or("an option lacks its value");
        match argument.as_str() {
            "--repeat" => repeat = value()?.parse::<usize>()?.max(1),
            "--shape" => {
                let dims =
                    value()?.split('x').map(str::parse).collect::<Result<Vec<usize>, _>>()?;
                shape = Some(dims);
            }
            "--serve" => serve = true,
            _ => file = Some(argument),
        }
    }
    let file = file.ok_or("usage: conv_bench FILE [--repeat N] [--shape 1x3x240x320] [--serve]")?;
    let bench = Bench::load(&file, shape)?;
    println!("{}", bench.facts(&file)?);
    if serve { bench.serve() } else { bench.compare(repeat) }
}

struct Bench {
    plain: Plan,
    fast: Plan,
    input: Tensor,
    replaced: usize,
    plain_load: Duration,
    fast_load: Duration,
}

impl Bench {
    fn load(file: &str, shape: Option<Vec<usize>>) -> Result<Bench, Failure> {
        let mut model = tract_onnx::onnx().model_for_path(file)?;
        let shape = match shape {
            Some(shape) => shape,
            // A free batch size counts as one picture.
            None => model
                .input_fact(0)?
                .shape
                .dims()
                .enumerate()
                .map(|(i, dim)| match dim.concretize().and_then(|dim| dim.to_usize().ok()) {
                    Some(dim) => Ok(dim),
                    None if i == 0 => Ok(1),
                    None => Err("the input has free dimensions: give --shape"),
                })
                .collect::<Result<_, _>>()?,
        };
        model.set_input_fact(0, f32::fact(&shape).into())?;
        let model = model.into_typed()?.into_decluttered()?;

        let start = Instant::now();
        let plain = model.clone().into_optimized()?.into_runnable()?;
        let plain_load = start.elapsed();
        let start = Instant::now();
        let (model, replaced) = Accelerator::default().accelerate(model)?;
        let fast = model.into_optimized()?.into_runnable()?;
        let fast_load = start.elapsed();

        let mut seed = 1u32;
        let numbers: Vec<f32> = (0..shape.iter().product())
            .map(|_| {
                seed = seed.wrapping_mul(1664525).wrapping_add(1013904223);
                (seed >> 8) as f32 / (1u32 << 24) as f32
            })
            .collect();
        let input = Tensor::from_shape(&shape, &numbers)?;
        Ok(Bench { plain, fast, input, replaced, plain_load, fast_load })
    }

    fn run(&self, plan: &Plan) -> Result<TVec<TValue>, Failure> {
        Ok(plan.run(tvec!(self.input.clone().into_tvalue()))?)
    }

    /// The properties that are measured once, as one line of JSON.
    fn facts(&self, file: &str) -> Result<String, Failure> {
        let mut worst = 0f32;
        for (plain, fast) in self.run(&self.plain)?.iter().zip(self.run(&self.fast)?.iter()) {
            let plain = plain.try_as_plain_ram()?.as_slice::<f32>()?;
            let fast = fast.try_as_plain_ram()?.as_slice::<f32>()?;
            let scale = plain.iter().fold(f32::MIN_POSITIVE, |a, b| a.max(b.abs()));
            let error = plain.iter().zip(fast).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
            worst = worst.max(error / scale);
        }
        Ok(format!(
            "{{\"file\":{},\"replaced\":{},\"error\":{worst:e},\
             \"plain_load_ms\":{:.2},\"fast_load_ms\":{:.2}}}",
            serde_json::to_string(file)?,
            self.replaced,
            self.plain_load.as_secs_f64() * 1e3,
            self.fast_load.as_secs_f64() * 1e3,
        ))
    }

    fn time(&self, plan: &Plan, repeat: usize) -> Result<Vec<u64>, Failure> {
        (0..repeat)
            .map(|_| {
                let input = tvec!(self.input.clone().into_tvalue());
                let start = cpu_time();
                plan.run(input)?;
                Ok(cpu_time() - start)
            })
            .collect()
    }

    fn compare(&self, repeat: usize) -> Result<(), Failure> {
        let (mut plain, mut fast) = (vec![], vec![]);
        for _ in 0..repeat.div_ceil(5) {
            plain.extend(self.time(&self.plain, 5)?);
            fast.extend(self.time(&self.fast, 5)?);
        }
        for times in [&mut plain, &mut fast] {
            times.sort_unstable();
        }
        let ms = |ns: u64| ns as f64 / 1e6;
        println!(
            "{{\"plain_median_ms\":{:.4},\"plain_min_ms\":{:.4},\"fast_median_ms\":{:.4},\
             \"fast_min_ms\":{:.4}}}",
            ms(plain[plain.len() / 2]),
            ms(plain[0]),
            ms(fast[fast.len() / 2]),
            ms(fast[0]),
        );
        Ok(())
    }

    fn serve(&self) -> Result<(), Failure> {
        let mut out = std::io::stdout();
        out.flush()?;
        for line in std::io::stdin().lock().lines() {
            let line = line?;
            let (plan, repeat) = match line.split_once(' ') {
                Some(("plain", repeat)) => (&self.plain, repeat),
                Some(("fast", repeat)) => (&self.fast, repeat),
                _ => return Err(format!("not `plain N` or `fast N`: {line}").into()),
            };
            let times = self.time(plan, repeat.parse()?)?;
            let times: Vec<String> = times.iter().map(u64::to_string).collect();
            writeln!(out, "{}", times.join(" "))?;
            out.flush()?;
        }
        Ok(())
    }
}

/// Returns the CPU time of this thread in nanoseconds, so that other programs do not count.
fn cpu_time() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
