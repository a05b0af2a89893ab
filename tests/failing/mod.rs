//! An allocator that fails once: at each allocation of a scenario the process forks, and the allocation fails in the child alone. So one
//! run of the scenario tries every allocation of it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::process::Command;

/// How many callers of a failing allocation are kept to tell whose it was.
const FRAMES: usize = 48;

thread_local! {
    /// Whether allocations of this thread fork.
    static ARMED: Cell<bool> = const { Cell::new(false) };
    /// Bytes that this thread holds.
    static HELD: Cell<isize> = const { Cell::new(0) };
    /// The most that this thread may hold.
    static BUDGET: Cell<isize> = const { Cell::new(isize::MAX) };
    /// Allocations while armed.
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static IN_CHILD: Cell<bool> = const { Cell::new(false) };
    static FATES: RefCell<Vec<Fate>> = const { RefCell::new(Vec::new()) };
}

/// What became of the child in which an allocation failed.
#[derive(Clone, Debug)]
pub struct Fate {
    pub number: usize,
    pub bytes: usize,
    /// As `waitpid` gives it.
    pub status: i32,
    /// Addresses of the callers, where the child did not end well.
    callers: Vec<usize>,
}

struct Failing;

// SAFETY: everything is the system's allocator's, which keeps the contract; null is how an allocator refuses.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if ARMED.try_with(Cell::get).unwrap_or(false) && fails_here(layout.size()) {
            return std::ptr::null_mut();
        }
        let budget = BUDGET.try_with(Cell::get).unwrap_or(isize::MAX);
        let held = HELD.try_with(Cell::get).unwrap_or(0);
        if (layout.size() as isize).saturating_add(held) > budget {
            return std::ptr::null_mut();
        }
        let _ = HELD.try_with(|held| held.set(held.get() + layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| held.set(held.get() - layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;

/// Forks. True in the child, whose allocation fails; the parent waits for the child's end.
fn fails_here(bytes: usize) -> bool {
    ARMED.set(false);
    let number = COUNT.get();
    COUNT.set(number + 1);
    // SAFETY: only this thread is in the child, where no other held a lock of the allocator: the harness waits.
    let child = unsafe { libc::fork() };
    if child == 0 {
        IN_CHILD.set(true);
        quiet_child();
        return true;
    }
    assert!(child > 0, "no process for allocation {number}");
    let mut status = 0;
    // SAFETY: the child is this one's, and the place is writable.
    while unsafe { libc::waitpid(child, &mut status, 0) } < 0 {}
    let held = HELD.get();
    let callers = if status == 0 { Vec::new() } else { callers() };
    FATES.with_borrow_mut(|fates| fates.push(Fate { number, bytes, status, callers }));
    // What is noted here is none of the scenario's.
    HELD.set(held);
    ARMED.set(true);
    false
}

/// What a child prints as it ends is no output of the test.
fn quiet_child() {
    // SAFETY: descriptors and limits of the child alone.
    unsafe {
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_WRONLY);
        libc::dup2(null, 2);
        let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &no_core);
        // A child that hangs is a fault like any other.
        libc::alarm(300);
    }
}

fn callers() -> Vec<usize> {
    let mut frames = [std::ptr::null_mut::<c_void>(); FRAMES];
    // SAFETY: room for so many.
    let count = unsafe { libc::backtrace(frames.as_mut_ptr(), FRAMES as i32) };
    frames[..count.max(0) as usize].iter().map(|frame| *frame as usize).collect()
}

/// Bytes that this thread holds.
pub fn held() -> isize {
    HELD.get()
}

/// Runs `work` where this thread gets at most so many bytes more than it holds.
pub fn with_at_most<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    BUDGET.set(HELD.get() + bytes as isize);
    let done = work();
    BUDGET.set(isize::MAX);
    done
}

/// What a child of a fork ended with.
pub fn status_of_child(work: impl FnOnce() -> i32) -> i32 {
    // SAFETY: only this thread is in the child, where no other held a lock of the allocator: the harness waits.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "no process");
    if child == 0 {
        quiet_child();
        end_child(work());
    }
    let mut status = 0;
    // SAFETY: the child is this one's, and the place is writable.
    while unsafe { libc::waitpid(child, &mut status, 0) } < 0 {}
    status
}

/// Whether this is a child, in which the allocation has failed.
pub fn is_child() -> bool {
    IN_CHILD.get()
}

/// Runs `work` with each of its allocations failing in a child, and gives what became of them.
pub fn each_allocation_fails<T>(work: impl FnOnce() -> T) -> (T, Vec<Fate>) {
    COUNT.set(0);
    ARMED.set(true);
    let done = work();
    ARMED.set(false);
    (done, FATES.take())
}

/// Ends a child at once, without what a process does as it ends.
pub fn end_child(code: i32) -> ! {
    // SAFETY: no memory is used any more.
    unsafe { libc::_exit(code) }
}

/// Names of functions by their addresses in this process.
pub struct Names(BTreeMap<usize, String>);

impl Names {
    /// As `nm` tells them.
    pub fn of_this_program() -> Self {
        let path = std::env::current_exe().expect("the path of this test");
        let nm = Command::new("nm").args(["--defined-only", "--demangle"]).arg(&path).output();
        let nm = nm.expect("binutils are needed");
        assert!(nm.status.success(), "nm: {}", String::from_utf8_lossy(&nm.stderr));
        let text = String::from_utf8_lossy(&nm.stdout);
        let symbols: BTreeMap<usize, String> = text
            .lines()
            .filter_map(|line| {
                let (address, rest) = line.split_once(' ')?;
                let (kind, name) = rest.split_once(' ')?;
                let address = usize::from_str_radix(address, 16).ok()?;
                "tTwW".contains(kind).then(|| (address, name.to_owned()))
            })
            .collect();
        // Where the program was loaded: the distance of a function that both know.
        let known = Self::of_this_program as *const () as usize;
        let linked = symbols.iter().find(|(_, name)| name.ends_with("Names::of_this_program"));
        let base = known - linked.expect("this function").0;
        Self(symbols.into_iter().map(|(address, name)| (address + base, name)).collect())
    }

    fn function(&self, address: usize) -> &str {
        // A return address is behind its call, which may be the function's last instruction.
        self.0.range(..address).next_back().map_or("", |(_, name)| name)
    }

    /// The innermost caller that is not of Rust's own libraries or of this test.
    pub fn owner(&self, fate: &Fate) -> String {
        let name = fate.callers.iter().map(|address| self.function(*address)).find(|name| {
            let parts = ["alloc::", "core::", "std::", "hashbrown::", "__rust", "__rdl", "failing"];
            let is_library = name.trim_start_matches(['<', '&', '[', '(']);
            !name.is_empty()
                && !parts.iter().any(|part| is_library.starts_with(part))
                && !name.contains("failing::")
        });
        name.unwrap_or("unknown").to_owned()
    }
}

/// The crate of a function, by its name.
pub fn crate_of(function: &str) -> String {
    let start = function.trim_start_matches(['<', '&', '[', '(', '*']);
    let start = start.strip_prefix("dyn ").unwrap_or(start);
    start.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("unknown").to_owned()
}
