//! `include/impasto.h` is what cbindgen makes of this crate. After a change of the ABI:
//! `IMPASTO_WRITE_HEADER=1 cargo test -p impasto-ffi --test header`.

use std::path::Path;

#[test]
fn the_header_is_up_to_date() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(own.join("cbindgen.toml")).expect("cbindgen.toml");
    let bindings = cbindgen::Builder::new().with_crate(own).with_config(config).generate().expect("a header");
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = String::from_utf8(text).expect("UTF-8");
    // What Rust calls safety is for the caller to see to in C.
    let text = text.replace(" * # Safety\n", " * The caller's part:\n").replace('`', "");
    let path = own.parent().expect("a parent").join("include").join("impasto.h");
    if std::env::var_os("IMPASTO_WRITE_HEADER").is_some() {
        std::fs::write(&path, &text).expect("the header can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == text, "include/impasto.h is stale; run with IMPASTO_WRITE_HEADER=1");
}
