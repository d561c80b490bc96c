#!/bin/sh
# Stands in front of the compiler (RUSTC_WRAPPER): our own crates are built so that the fuzzer sees which ways were taken,
# everything else as always. These are the flags of `cargo fuzz`, without a sanitizer: those need a nightly compiler, and there
# is no unsafe code of ours that they would watch.
case " $* " in
    *" --crate-name cloister_"* | *" --crate-name fuzz_"*)
        exec "$@" --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
            -Cllvm-args=-sanitizer-coverage-trace-compares
        ;;
esac
exec "$@"
