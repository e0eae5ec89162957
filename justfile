# Everyday commands. `just --list` shows them.

# the virtual plant
demo:
    cargo run --release --locked -- demo

# every test, installing what they need
test:
    tests/run.sh

# format, lint, docs
lint:
    cargo fmt --check
    cargo clippy --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked
    cargo run --locked -- catalog lint

# bring up to date what is rendered from the catalogue: files for hosts, lists in the docs
render:
    NIS2WATCH_RENDER=1 cargo test --locked --test deploy rendered::

# benches
bench:
    cargo bench --locked

# everything CI does
ci:
    .ci/run
