//! What the command says. A terminal that was closed, a pipe whose reader has gone or a full disk behind it never ends a
//! job: minutes of work are worth more than a line of text.

use std::io::{self, Write};

use impasto::{Error, Result};

/// Writes a line to standard error, if that is possible.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", escaped(text));
}

/// Writes a JSON value as a line to standard output, if that is possible.
pub fn emit(json: &serde_json::Value) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{json}").and_then(|()| out.flush());
}

/// Writes to standard output what was asked for; a reader that has gone away is no error.
pub fn print(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(output("standard output", &e)),
        _ => Ok(()),
    }
}

pub fn output(path: &str, e: &io::Error) -> Error {
    Error::Output { path: path.into(), problem: e.to_string() }
}

/// The text with control characters, as names of files can have them, made visible.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

/// Standard error for the log, which cannot fail.
pub struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().lock().write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_steer_the_terminal() {
        assert_eq!(escaped("a\u{1b}[2Jb\rc ü"), "a\\u{1b}[2Jb\\rc ü");
    }
}
