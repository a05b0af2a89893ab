//! Batches made on worker threads, handed out in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Batches in order. A few are kept ready, so memory does not grow with the set.
pub struct Stream<B> {
    receive: Receiver<(usize, B)>,
    early: BTreeMap<usize, B>,
    next: usize,
    batches: usize,
    waited: Duration,
}

impl<B: Send + 'static> Stream<B> {
    /// `make` gets the working memory of its thread and the number of the batch, from `skip` to before `batches`.
    pub fn new<W: Default>(
        batches: usize,
        skip: usize,
        workers: usize,
        make: impl Fn(&mut W, usize) -> B + Send + Sync + 'static,
    ) -> Self {
        let workers = workers.max(1);
        let (send, receive) = sync_channel(2 * workers);
        let (make, next) = (Arc::new(make), Arc::new(AtomicUsize::new(skip)));
        for _ in 0..workers {
            let (make, next, send) = (Arc::clone(&make), Arc::clone(&next), send.clone());
            std::thread::spawn(move || {
                let mut memory = W::default();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    // The receiver is gone when the epoch was cut short.
                    if index >= batches || send.send((index, make(&mut memory, index))).is_err() {
                        return;
                    }
                }
            });
        }
        Self { receive, early: BTreeMap::new(), next: skip, batches, waited: Duration::ZERO }
    }
}

impl<B> Stream<B> {
    /// Time spent waiting for the workers.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    fn receive(&mut self) -> Result<B> {
        let start = Instant::now();
        while !self.early.contains_key(&self.next) {
            let (index, batch) = self.receive.recv().context("a loader thread died")?;
            self.early.insert(index, batch);
        }
        self.waited += start.elapsed();
        self.next += 1;
        self.early.remove(&(self.next - 1)).context("the batch was just found")
    }
}

impl<B> Iterator for Stream<B> {
    type Item = Result<B>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.next < self.batches).then(|| self.receive())
    }
}
