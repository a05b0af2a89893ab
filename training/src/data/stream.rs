//! Makes batches on worker threads, and hands them out in order.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Batches in order. A worker starts only batches that are a few ahead. So memory grows neither with the set, nor when
/// one picture takes long.
pub struct Stream<B> {
    shared: Arc<Shared<B>>,
    batches: usize,
    waited: Duration,
}

struct Shared<B> {
    state: Mutex<State<B>>,
    changed: Condvar,
}

struct State<B> {
    /// The batches that wait to be handed out.
    made: BTreeMap<usize, B>,
    /// The next batch to start.
    start: usize,
    /// The next batch to hand out.
    next: usize,
    /// Whether nobody takes batches any more.
    closed: bool,
    /// Whether a worker panicked.
    broken: bool,
}

/// Marks the stream as broken when its worker panics.
struct Alive<B>(Arc<Shared<B>>);

impl<B> Drop for Alive<B> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().broken = true;
            self.0.changed.notify_all();
        }
    }
}

impl<B> Shared<B> {
    fn lock(&self) -> std::sync::MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn wait<'a>(
        &'a self,
        state: std::sync::MutexGuard<'a, State<B>>,
    ) -> std::sync::MutexGuard<'a, State<B>> {
        self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<B: Send + 'static> Stream<B> {
    /// `make` gets the working memory of its thread, and the number of the batch, from `skip` to before `batches`.
    pub fn new<W: Default>(
        batches: usize,
        skip: usize,
        workers: usize,
        make: impl Fn(&mut W, usize) -> B + Send + Sync + 'static,
    ) -> Self {
        let workers = workers.max(1);
        let ahead = 2 * workers;
        let made = BTreeMap::new();
        let state = State { made, start: skip, next: skip, closed: false, broken: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let make = Arc::new(make);
        for _ in 0..workers {
            let (make, shared) = (Arc::clone(&make), Arc::clone(&shared));
            std::thread::spawn(move || {
                let alive = Alive(Arc::clone(&shared));
                let mut memory = W::default();
                loop {
                    let mut state = shared.lock();
                    while !state.closed && state.start >= state.next + ahead {
                        state = shared.wait(state);
                    }
                    if state.closed || state.start >= batches {
                        break;
                    }
                    let index = state.start;
                    state.start += 1;
                    drop(state);
                    let batch = make(&mut memory, index);
                    shared.lock().made.insert(index, batch);
                    shared.changed.notify_all();
                }
                drop(alive);
            });
        }
        Self { shared, batches, waited: Duration::ZERO }
    }
}

impl<B> Stream<B> {
    /// Returns the time that was spent waiting for the workers.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    fn receive(&mut self) -> Result<B> {
        let start = Instant::now();
        let mut state = self.shared.lock();
        let batch = loop {
            let next = state.next;
            if let Some(batch) = state.made.remove(&next) {
                break batch;
            }
            if state.broken {
                bail!("a loader thread has panicked");
            }
            state = self.shared.wait(state);
        };
        state.next += 1;
        drop(state);
        self.shared.changed.notify_all();
        self.waited += start.elapsed();
        Ok(batch)
    }
}

impl<B> Iterator for Stream<B> {
    type Item = Result<B>;

    fn next(&mut self) -> Option<Self::Item> {
        let more = self.shared.lock().next < self.batches;
        more.then(|| self.receive())
    }
}

impl<B> Drop for Stream<B> {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn batches_come_in_order_from_any_number_of_threads() {
        for workers in [1, 4] {
            let stream = Stream::new(20, 3, workers, |_: &mut (), index| {
                std::thread::sleep(Duration::from_millis((7 * index as u64) % 5));
                index
            });
            let found: Vec<usize> = stream.map(|batch| batch.expect("made")).collect();
            assert_eq!(found, (3..20).collect::<Vec<_>>());
        }
    }

    #[test]
    fn one_slow_batch_holds_the_others_back() {
        let (made, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(())));
        let held = gate.lock().expect("free");
        let (count, wait) = (Arc::clone(&made), Arc::clone(&gate));
        let mut stream = Stream::new(1000, 0, 4, move |_: &mut (), index| {
            if index == 0 {
                drop(wait.lock().expect("free"));
            }
            count.fetch_add(1, Ordering::SeqCst);
            index
        });
        std::thread::sleep(Duration::from_millis(200));
        // The first is not made yet, and of the others no more than fit into the window.
        assert_eq!(made.load(Ordering::SeqCst), 7);
        drop(held);
        assert_eq!(stream.next().expect("more").expect("made"), 0);
    }

    #[test]
    fn a_panic_is_an_error_and_not_a_wait_without_end() {
        let mut stream = Stream::new(3, 0, 1, |_: &mut (), index| {
            assert!(index < 1, "on purpose");
            index
        });
        assert!(stream.next().expect("one").is_ok());
        assert!(stream.next().expect("one").is_err());
    }
}
