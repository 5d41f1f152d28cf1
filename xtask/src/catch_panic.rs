//! Calls of crates that panic on some OpenAPI documents.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a call and returns a panic as an error with the panic's message.
pub fn catch_panic<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "panicked without a message".to_owned())
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn panic_becomes_an_error_with_its_message() {
        assert_eq!(catch_panic(|| 1).unwrap(), 1);
        let number = 7;
        assert_eq!(catch_panic(|| panic!("no {number}")).unwrap_err(), "no 7");
        assert_eq!(catch_panic(|| panic!("plain")).unwrap_err(), "plain");
    }
}
