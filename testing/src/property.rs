//! Property tests: a fixed seed, and the minimal input of a failure.
//!
//! `PROPTEST_CASES` sets the number of inputs of every property, and `PROPTEST_RNG_SEED` another seed.

use std::env;

use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, RngSeed, TestCaseResult, TestRunner},
};

/// Tests a property with inputs from `strategy`, the same in every run.
///
/// # Panics
///
/// If the property does not hold, with `context` and the smallest input found for which it does not.
#[track_caller]
pub fn check<S: Strategy>(
    context: &str,
    cases: u32,
    strategy: &S,
    property: impl Fn(S::Value) -> TestCaseResult,
) {
    if let Err(error) = TestRunner::new(config(context, cases)).run(strategy, property) {
        panic!("{context}: {error}");
    }
}

fn config(context: &str, cases: u32) -> Config {
    // Contains the values of environment variables.
    let config = Config::default();
    let seed = match config.rng_seed {
        RngSeed::Random => 0,
        RngSeed::Fixed(seed) => seed,
    };
    // Different inputs for each context.
    let seed = context.bytes().fold(seed, |seed: u64, byte| {
        seed.wrapping_mul(31).wrapping_add(byte.into())
    });
    Config {
        cases: match env::var_os("PROPTEST_CASES") {
            Some(_) => config.cases,
            None => cases,
        },
        rng_seed: RngSeed::Fixed(seed),
        // The fastest.
        rng_algorithm: RngAlgorithm::XorShift,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..config
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    #[should_panic(expected = "digits: Test failed: assertion failed: sum < 10")]
    fn a_failure_has_its_context_and_reason() {
        check("digits", 100, &vec(0..10_u32, 0..10), |digits| {
            let sum: u32 = digits.into_iter().sum();
            prop_assert!(sum < 10, "assertion failed: sum < 10");
            Ok(())
        });
    }

    #[test]
    #[should_panic(expected = "minimal failing input: 10")]
    fn a_panic_is_a_failure_with_the_smallest_input() {
        check("numbers", 100, &(0..1000), |number| {
            assert!(number < 10);
            Ok(())
        });
    }

    #[test]
    fn inputs_are_the_same_in_every_run_and_differ_by_context() {
        let inputs = |context| {
            let inputs = RefCell::new(Vec::new());
            check(context, 20, &any::<u64>(), |input| {
                inputs.borrow_mut().push(input);
                Ok(())
            });
            inputs.into_inner()
        };
        assert_eq!(inputs("one"), inputs("one"));
        assert_ne!(inputs("one"), inputs("two"));
    }
}
