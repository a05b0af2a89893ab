//! An allocator that fails once. At each allocation of a scenario the process forks, and the allocation fails in the
//! child alone. So one run of the scenario tries every allocation of it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::process::Command;

/// How many callers of a failing allocation are kept, so that its function can be found.
const FRAMES: usize = 48;

thread_local! {
    /// Whether allocations of this thread fork.
    static ARMED: Cell<bool> = const { Cell::new(false) };
    /// The bytes that this thread holds.
    static HELD: Cell<isize> = const { Cell::new(0) };
    /// The most bytes that this thread may hold.
    static BUDGET: Cell<isize> = const { Cell::new(isize::MAX) };
    /// The allocations while armed.
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static IN_CHILD: Cell<bool> = const { Cell::new(false) };
    static FATES: RefCell<Vec<Fate>> = const { RefCell::new(Vec::new()) };
}

/// The end of the child in which an allocation failed.
#[derive(Clone, Debug)]
pub struct Fate {
    pub number: usize,
    pub bytes: usize,
    /// The status that `waitpid` returns.
    pub status: i32,
    /// The addresses of the callers, if the child did not end well.
    callers: Vec<usize>,
}

struct Failing;

// SAFETY: everything is passed to the system's allocator, which keeps the contract. An allocator refuses with null.
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
        // SAFETY: the caller promises it.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| held.set(held.get() - layout.size() as isize));
        // SAFETY: the caller promises it.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Failing = Failing;

/// Forks the process. It returns true in the child, whose allocation fails. The parent waits for the child's end.
fn fails_here(bytes: usize) -> bool {
    ARMED.set(false);
    let number = COUNT.get();
    COUNT.set(number + 1);
    // SAFETY: only this thread is in the child. No other held a lock of the allocator, because the harness waits.
    let child = unsafe { libc::fork() };
    if child == 0 {
        IN_CHILD.set(true);
        quiet_child();
        return true;
    }
    assert!(child > 0, "no process for allocation {number}");
    let mut status = 0;
    // SAFETY: the child belongs to this process, and the place is writable.
    while unsafe { libc::waitpid(child, &mut status, 0) } < 0 {}
    let held = HELD.get();
    let callers = if status == 0 { Vec::new() } else { callers() };
    FATES.with_borrow_mut(|fates| fates.push(Fate { number, bytes, status, callers }));
    // What is noted here does not belong to the scenario.
    HELD.set(held);
    ARMED.set(true);
    false
}

/// The text that a child prints as it ends is no output of the test.
fn quiet_child() {
    // SAFETY: the descriptors and limits belong to the child alone.
    unsafe {
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_WRONLY);
        libc::dup2(null, 2);
        let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &no_core);
        // A child that hangs counts as a failure.
        libc::alarm(300);
    }
}

fn callers() -> Vec<usize> {
    let mut frames = [std::ptr::null_mut::<c_void>(); FRAMES];
    // SAFETY: there is room for as many.
    let count = unsafe { libc::backtrace(frames.as_mut_ptr(), FRAMES as i32) };
    frames[..count.max(0) as usize].iter().map(|frame| *frame as usize).collect()
}

/// The bytes that this thread holds.
pub fn held() -> isize {
    HELD.get()
}

/// Runs `work`, where this thread gets at most so many bytes more than it holds.
pub fn with_at_most<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    BUDGET.set(HELD.get() + bytes as isize);
    let done = work();
    BUDGET.set(isize::MAX);
    done
}

/// The status with which a child of a fork ended.
pub fn status_of_child(work: impl FnOnce() -> i32) -> i32 {
    // SAFETY: only this thread is in the child. No other held a lock of the allocator, because the harness waits.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "no process");
    if child == 0 {
        quiet_child();
        end_child(work());
    }
    let mut status = 0;
    // SAFETY: the child belongs to this process, and the place is writable.
    while unsafe { libc::waitpid(child, &mut status, 0) } < 0 {}
    status
}

/// Returns whether this is a child, in which the allocation has failed.
pub fn is_child() -> bool {
    IN_CHILD.get()
}

/// Runs `work` with each of its allocations failing in a child, and returns how each child ended.
pub fn each_allocation_fails<T>(work: impl FnOnce() -> T) -> (T, Vec<Fate>) {
    COUNT.set(0);
    ARMED.set(true);
    let done = work();
    ARMED.set(false);
    (done, FATES.take())
}

/// Ends a child at once, without the usual work at the end of a process.
pub fn end_child(code: i32) -> ! {
    // SAFETY: no memory is used any more.
    unsafe { libc::_exit(code) }
}

/// The names of functions by their addresses in this process.
pub struct Names(BTreeMap<usize, String>);

impl Names {
    /// The addresses that `nm` prints.
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
        // Where the program was loaded. It is the distance of a function that both know.
        let known = Self::of_this_program as *const () as usize;
        let linked = symbols.iter().find(|(_, name)| name.ends_with("Names::of_this_program"));
        let base = known - linked.expect("this function").0;
        Self(symbols.into_iter().map(|(address, name)| (address + base, name)).collect())
    }

    fn function(&self, address: usize) -> &str {
        // A return address lies after its call, which may be the function's last instruction.
        self.0.range(..address).next_back().map_or("", |(_, name)| name)
    }

    /// Returns the innermost caller that does not belong to Rust's own libraries or to this test.
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

/// Returns the crate of a function, by its name.
pub fn crate_of(function: &str) -> String {
    let start = function.trim_start_matches(['<', '&', '[', '(', '*']);
    let start = start.strip_prefix("dyn ").unwrap_or(start);
    start.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("unknown").to_owned()
}
