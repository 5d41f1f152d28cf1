//! Calls that may panic on unexpected OpenAPI documents.

use std::any::Any;
use std::panic::{set_hook, take_hook};
use std::sync::Once;
use std::thread::{self, Scope, ScopedJoinHandle};

/// Thread name by which the panic hook recognises these threads.
const THREAD_NAME: &str = "catch-panic";

/// Stack size of the main thread on Linux.
const STACK_SIZE: usize = 8 << 20;

/// Starts a call on its own thread. A panic prints nothing; [`join`] returns it as an error.
pub fn spawn<'scope, T, F>(
    scope: &'scope Scope<'scope, '_>,
    call: F,
) -> std::io::Result<ScopedJoinHandle<'scope, T>>
where
    F: FnOnce() -> T + Send + 'scope,
    T: Send + 'scope,
{
    install_quiet_hook();
    thread::Builder::new()
        .name(THREAD_NAME.to_owned())
        .stack_size(STACK_SIZE)
        .spawn_scoped(scope, call)
}

/// Waits for a call and returns a panic as an error with the panic's message.
pub fn join<T>(handle: std::io::Result<ScopedJoinHandle<'_, T>>) -> Result<T, String> {
    let handle = handle.map_err(|error| error.to_string())?;
    handle.join().map_err(|panic| message(panic.as_ref()))
}

/// Runs a call and returns a panic as an error.
pub fn call<T: Send>(call: impl FnOnce() -> T + Send) -> Result<T, String> {
    thread::scope(|scope| join(spawn(scope, call)))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panicked without a message".to_owned())
}

/// Installs a panic hook that prints nothing for these threads unless `RUST_BACKTRACE` is set.
fn install_quiet_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = take_hook();
        set_hook(Box::new(move |info| {
            let is_ours = thread::current().name() == Some(THREAD_NAME);
            if !is_ours || std::env::var_os("RUST_BACKTRACE").is_some() {
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
    fn panic_becomes_an_error_with_its_message() {
        assert_eq!(call(|| 1).unwrap(), 1);
        let number = 7;
        assert_eq!(call(|| panic!("no {number}")).unwrap_err(), "no 7");
        assert_eq!(call(|| panic!("plain")).unwrap_err(), "plain");
    }
}
