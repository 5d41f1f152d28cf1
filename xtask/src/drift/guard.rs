//! Calls that may panic at documents that nobody expected.

use std::any::Any;
use std::panic::{set_hook, take_hook};
use std::sync::Once;
use std::thread::{self, Scope, ScopedJoinHandle};

/// The name by which the panic hook knows a thread of ours.
const THREAD: &str = "guarded";

/// As much as the main thread has.
const STACK: usize = 8 << 20;

/// Starts a call in a thread of its own. A panic in it prints nothing; [`join`] makes it an error.
pub fn spawn<'scope, T, F>(
    scope: &'scope Scope<'scope, '_>,
    call: F,
) -> std::io::Result<ScopedJoinHandle<'scope, T>>
where
    F: FnOnce() -> T + Send + 'scope,
    T: Send + 'scope,
{
    silence();
    thread::Builder::new()
        .name(THREAD.to_owned())
        .stack_size(STACK)
        .spawn_scoped(scope, call)
}

/// Waits for a call; a panic in it is an error with its message.
pub fn join<T>(handle: std::io::Result<ScopedJoinHandle<'_, T>>) -> Result<T, String> {
    let handle = handle.map_err(|error| error.to_string())?;
    handle.join().map_err(|panic| message(panic.as_ref()))
}

/// A call whose panic is an error.
pub fn call<T: Send>(call: impl FnOnce() -> T + Send) -> Result<T, String> {
    thread::scope(|scope| join(spawn(scope, call)))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it stopped without a word".to_owned())
}

/// Keeps the hook, which prints a panic, from printing those of our threads, unless somebody asked for
/// it by `RUST_BACKTRACE`.
fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = take_hook();
        set_hook(Box::new(move |info| {
            let guarded = thread::current().name() == Some(THREAD);
            if !guarded || std::env::var_os("RUST_BACKTRACE").is_some() {
                hook(info);
            }
        }));
    });
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_message() {
        assert_eq!(call(|| 1).unwrap(), 1);
        let number = 7;
        assert_eq!(call(|| panic!("no {number}")).unwrap_err(), "no 7");
        assert_eq!(call(|| panic!("plain")).unwrap_err(), "plain");
    }
}
