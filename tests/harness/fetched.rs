//! `impasto model fetch` against a server on this machine that behaves in every way a server may.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::{folder, impasto, names, stderr, succeed};

/// VGG19's tensors in torchvision's layout and size, the linear layers with them: 575 MB that nobody stores, as each byte
/// follows from its place.
fn header() -> (Vec<u8>, u64) {
    let mut tensors = serde_json::Map::new();
    let mut at = 0u64;
    let mut add = |name: String, shape: &[u64]| {
        let size = 4 * shape.iter().product::<u64>();
        let entry = serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [at, at + size] });
        tensors.insert(name, entry);
        at += size;
    };
    let (mut index, mut input) = (0, 3);
    for (count, channels) in [(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)] {
        for _ in 0..count {
            add(format!("features.{index}.weight"), &[channels, input, 3, 3]);
            add(format!("features.{index}.bias"), &[channels]);
            (index, input) = (index + 2, channels);
        }
        index += 1;
    }
    add("pre_logits.fc1.weight".into(), &[4096, 512, 7, 7]);
    add("pre_logits.fc2.weight".into(), &[4096, 4096, 1, 1]);
    add("head.fc.weight".into(), &[1000, 4096]);
    let text = serde_json::to_vec(&tensors).expect("a header");
    let mut head = (text.len() as u64).to_le_bytes().to_vec();
    head.extend(text);
    (head, at)
}

/// The values that VGG19's first convolution begins with, a little off as digits go.
const FIRST: [f32; 18] = [
    -0.0534743,
    -0.0492572,
    -0.0679424,
    0.0153143,
    0.0450679,
    0.00214441,
    0.0362261,
    0.0199992,
    0.0198641,
    0.0170148,
    0.0554029,
    -0.00622927,
    0.141649,
    0.227052,
    0.137583,
    0.120003,
    0.200301,
    0.0921143,
];

/// How a server behaves.
#[derive(Clone, Default)]
struct Behaviour {
    no_ranges: bool,
    /// Waits so long before each answer.
    slow: Option<Duration>,
    /// Closes the connection in the middle of an answer from this many bytes of the file on.
    truncate_after: Option<u64>,
    /// Puts a NaN at this place in the data.
    wrong_at: Option<u64>,
    /// Answers with this status.
    refuse: Option<u16>,
    /// Sends readers from /a to /moved/b and there on to /file.
    redirect: bool,
    /// Sends readers from /a to there.
    to: Option<String>,
    /// Sends nothing more after this many bytes of bodies, and keeps the connection open.
    stall_after: Option<u64>,
    /// What the hub would call the file's SHA-256.
    sha256: Option<String>,
    /// The linear layers are left out, so that a whole file is small.
    small: bool,
    /// The first values are those of torchvision's VGG19.
    real: bool,
}

struct Server {
    address: String,
    /// Bytes of bodies that were sent, and requests.
    sent: Arc<AtomicU64>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let (sent, requests) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
        let counts = (Arc::clone(&sent), Arc::clone(&requests));
        // Ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (behaviour, counts) = (behaviour.clone(), (Arc::clone(&counts.0), Arc::clone(&counts.1)));
                std::thread::spawn(move || {
                    let mut stream = stream;
                    while answer(&mut stream, &behaviour, &counts).is_some() {}
                });
            }
        });
        Server { address, sent, requests }
    }
}

/// The bytes of the file from `from` to `to`.
fn file(head: &[u8], from: u64, to: u64, behaviour: &Behaviour) -> Vec<u8> {
    (from..to)
        .map(|at| {
            if let Some(byte) = head.get(at as usize) {
                return *byte;
            }
            let place = at - head.len() as u64;
            let first = FIRST.get((place / 4) as usize).filter(|_| behaviour.real);
            let value = match (behaviour.wrong_at == Some(place / 4), first) {
                (true, _) => f32::NAN,
                (false, Some(value)) => *value,
                (false, None) => ((place / 4) % 251) as f32 / 2510.0 - 0.05,
            };
            value.to_le_bytes()[(place % 4) as usize]
        })
        .collect()
}

fn answer(
    stream: &mut TcpStream,
    behaviour: &Behaviour,
    counts: &(Arc<AtomicU64>, Arc<AtomicUsize>),
) -> Option<()> {
    let (mut request, mut byte) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        request.push(byte[0]);
    }
    counts.1.fetch_add(1, Ordering::SeqCst);
    let request = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let path = request.split_whitespace().nth(1)?.to_string();
    if let Some(wait) = behaviour.slow {
        std::thread::sleep(wait);
    }
    if let Some(status) = behaviour.refuse {
        write!(stream, "HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n").ok()?;
        return Some(());
    }
    let hash = behaviour.sha256.as_ref().map_or(String::new(), |h| format!("x-linked-etag: \"{h}\"\r\n"));
    if let Some(to) = behaviour.to.as_ref().filter(|_| path == "/a") {
        // A host of its own, as storage has it: the one that was asked.
        let host = request.split("host: ").nth(1)?.lines().next()?.trim();
        let to = to.replace("HOST", host);
        write!(stream, "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").ok()?;
        return Some(());
    }
    if behaviour.redirect && path != "/file" {
        let to = if path == "/a" { "moved/b" } else { "/file" };
        write!(stream, "HTTP/1.1 302 Found\r\n{hash}location: {to}\r\ncontent-length: 0\r\n\r\n").ok()?;
        return Some(());
    }
    let (head, data) = header();
    let (head, data) = if behaviour.small { small() } else { (head, data) };
    let all = head.len() as u64 + data;
    let range = request.split("range: bytes=").nth(1).and_then(|r| {
        let (from, to) = r.lines().next()?.split_once('-')?;
        Some((from.parse::<u64>().ok()?, to.trim().parse::<u64>().ok()? + 1))
    });
    let (from, to) = match range.filter(|_| !behaviour.no_ranges) {
        Some((from, to)) => {
            write!(
                stream,
                "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes {from}-{}/{all}\r\n",
                to - 1
            )
            .ok()?;
            (from, to.min(all))
        }
        None => {
            write!(stream, "HTTP/1.1 200 OK\r\n").ok()?;
            (0, all)
        }
    };
    write!(stream, "{hash}etag: \"version 1\"\r\ncontent-length: {}\r\n\r\n", to - from).ok()?;
    for part in (from..to).step_by(1 << 16) {
        if behaviour.truncate_after.is_some_and(|end| part >= end) {
            return None;
        }
        if behaviour.stall_after.is_some_and(|most| counts.0.load(Ordering::SeqCst) >= most) {
            std::thread::sleep(Duration::from_secs(600));
        }
        let bytes = file(&head, part, to.min(part + (1 << 16)), behaviour);
        stream.write_all(&bytes).ok()?;
        counts.0.fetch_add(bytes.len() as u64, Ordering::SeqCst);
    }
    Some(())
}

/// A narrow VGG19 without linear layers.
fn small() -> (Vec<u8>, u64) {
    let (head, _) = header();
    let mut tensors: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&head[8..]).expect("a header");
    tensors.retain(|name, _| ["features.0.", "features.2."].iter().any(|p| name.starts_with(p)));
    let data = tensors.values().filter_map(|t| t["data_offsets"][1].as_u64()).max().unwrap_or(0);
    let text = serde_json::to_vec(&tensors).expect("a header");
    let mut head = (text.len() as u64).to_le_bytes().to_vec();
    head.extend(text);
    (head, data)
}

fn fetch(home: &Path, url: &str) -> Output {
    let mut command = impasto();
    command.args(["model", "fetch", "big", "--quiet", "--from", url]);
    command.env("XDG_DATA_HOME", home).env("HOME", home).env_remove("HTTP_PROXY").env_remove("http_proxy");
    command.env("IMPASTO_FETCH_TIMEOUT", "1");
    command.output().expect("the command starts")
}

/// The message of a fetch that fails and leaves no model.
fn refused(behaviour: Behaviour) -> String {
    let (server, home) = (Server::start(behaviour), folder());
    let output = fetch(home.path(), &format!("{}/a", server.address));
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let kept = names(&home.path().join("impasto").join("models"));
    assert!(kept.iter().all(|name| name.ends_with(".part")), "{kept:?}");
    let message = stderr(&output);
    assert!(message.contains(&server.address), "{message}");
    message
}

#[test]
fn only_what_is_needed_is_asked_for_and_the_model_works() {
    let behaviour = Behaviour { redirect: true, slow: Some(Duration::from_millis(20)), ..Default::default() };
    let (server, home) = (Server::start(behaviour), folder());
    let output = fetch(home.path(), &format!("{}/a", server.address));
    assert!(output.status.success(), "{}", stderr(&output));
    let sent = server.sent.load(Ordering::SeqCst);
    assert!((49 << 20..52 << 20).contains(&sent), "{sent} bytes of 575 million");
    assert_eq!(names(&home.path().join("impasto").join("models")), ["big.safetensors"]);
    let mut command = impasto();
    command.args(["model", "info", "big"]).env("XDG_DATA_HOME", home.path());
    let info = String::from_utf8_lossy(&succeed(&mut command).stdout).into_owned();
    assert!(
        info.contains("relu5_1 (512)") && !info.contains("relu5_2") && info.contains(&server.address),
        "{info}"
    );
    let mut command = impasto();
    command.args(["model", "remove", "big"]).env("XDG_DATA_HOME", home.path());
    succeed(&mut command);
    assert!(names(&home.path().join("impasto").join("models")).is_empty());
}

#[test]
fn a_break_is_gone_on_from() {
    let home = folder();
    let broken = Server::start(Behaviour { truncate_after: Some(20 << 20), ..Default::default() });
    let output = fetch(home.path(), &format!("{}/file", broken.address));
    assert!(!output.status.success());
    assert!(stderr(&output).contains("try again"), "{}", stderr(&output));
    let models = home.path().join("impasto").join("models");
    assert_eq!(names(&models), [".big.part"]);
    // The same address comes back to life.
    let part = std::fs::read(models.join(".big.part")).expect("a part");
    let healthy = Server::start(Behaviour::default());
    let text = String::from_utf8_lossy(&part[..200]).replace(&broken.address, &healthy.address);
    let line = text.lines().next().expect("a line").len() + broken.address.len() - healthy.address.len();
    let mut moved = text.lines().next().expect("a line").as_bytes().to_vec();
    moved.extend(&part[line..]);
    // A piece that was not written to its end.
    moved.extend([1, 2, 3]);
    std::fs::write(models.join(".big.part"), moved).expect("a part");
    let output = fetch(home.path(), &format!("{}/file", healthy.address));
    assert!(output.status.success(), "{}", stderr(&output));
    let sent = healthy.sent.load(Ordering::SeqCst);
    assert!(sent < 40 << 20, "{sent} bytes after the break");
    assert_eq!(names(&models), ["big.safetensors"]);
    // What was put together is what a fetch without a break gives.
    let other = folder();
    assert!(fetch(other.path(), &format!("{}/file", healthy.address)).status.success());
    let read = |home: &Path| {
        std::fs::read(home.join("impasto").join("models").join("big.safetensors")).expect("a model")
    };
    assert!(read(home.path()) == read(other.path()));
}

#[test]
fn a_server_without_ranges_gives_the_whole_file() {
    let server = Server::start(Behaviour { no_ranges: true, small: true, ..Default::default() });
    let home = folder();
    let output = fetch(home.path(), &format!("{}/file", server.address));
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(names(&home.path().join("impasto").join("models")), ["big.safetensors"]);
    // Its hash is checked, if it is known.
    let wrong =
        Behaviour { no_ranges: true, small: true, sha256: Some("0".repeat(64)), ..Default::default() };
    assert!(refused(wrong).contains("SHA-256"));
}

#[test]
fn wrong_bytes_are_found_and_not_kept() {
    let server = Server::start(Behaviour { wrong_at: Some(100_000), ..Default::default() });
    let home = folder();
    let output = fetch(home.path(), &format!("{}/file", server.address));
    let message = stderr(&output);
    assert!(message.contains("features.5.weight") && message.contains("NaN"), "{message}");
    assert!(names(&home.path().join("impasto").join("models")).is_empty());
}

#[test]
fn refusals_say_what_to_do() {
    let status = |status| refused(Behaviour { refuse: Some(status), ..Default::default() });
    assert!(status(403).contains("refuses"));
    assert!(status(404).contains("no such file"));
    assert!(status(503).contains("try again later"));
    assert!(
        refused(Behaviour { no_ranges: true, truncate_after: Some(1 << 16), ..Default::default() })
            .contains("try again")
    );
}

#[test]
fn a_failure_leaves_the_old_model_and_nothing_is_asked_for_offline() {
    let (home, server) = (folder(), Server::start(Behaviour { small: true, ..Default::default() }));
    assert!(fetch(home.path(), &format!("{}/file", server.address)).status.success());
    let models = home.path().join("impasto").join("models");
    let old = std::fs::read(models.join("big.safetensors")).expect("a model");
    let broken = Server::start(Behaviour { wrong_at: Some(5), ..Default::default() });
    assert!(!fetch(home.path(), &format!("{}/file", broken.address)).status.success());
    assert!(std::fs::read(models.join("big.safetensors")).expect("a model") == old);

    let before = server.requests.load(Ordering::SeqCst);
    let mut command = impasto();
    command.args(["model", "fetch", "--from", &format!("{}/file", server.address)]);
    command.env("XDG_DATA_HOME", home.path()).env("IMPASTO_OFFLINE", "1");
    let output = command.output().expect("the command starts");
    assert!(!output.status.success() && stderr(&output).contains("IMPASTO_OFFLINE"), "{}", stderr(&output));
    assert_eq!(server.requests.load(Ordering::SeqCst), before);
}

#[test]
fn the_hub_is_asked_at_its_mirror_and_names_that_are_not_known_are_refused() {
    let (home, server) = (folder(), Server::start(Behaviour { refuse: Some(404), ..Default::default() }));
    let mut command = impasto();
    command.args(["model", "fetch"]).env("XDG_DATA_HOME", home.path()).env("HF_ENDPOINT", &server.address);
    let output = command.output().expect("the command starts");
    let expected = format!("{}/timm/vgg19.tv_in1k/resolve/main/model.safetensors", server.address);
    assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
    // What is given out under a name must be what is known by it.
    for (name, real) in [("vgg16", false), ("vgg19", false), ("vgg19", true)] {
        let server = Server::start(Behaviour { real, ..Default::default() });
        let mut command = impasto();
        command.args(["model", "fetch", name, "--quiet"]).env("XDG_DATA_HOME", home.path());
        // An option counts for more than the environment.
        command
            .args(["--mirror", &server.address])
            .env("HF_ENDPOINT", "http://127.0.0.1:9")
            .env_remove("HTTP_PROXY")
            .env_remove("http_proxy");
        let output = command.output().expect("the command starts");
        assert_eq!(output.status.success(), real, "{}", stderr(&output));
        let kept = names(&home.path().join("impasto").join("models"));
        assert_eq!(kept, if real { vec!["vgg19.safetensors"] } else { vec![] });
        assert!(real || stderr(&output).contains("features.0.weight is not that"), "{}", stderr(&output));
    }
    let mut command = impasto();
    command.args(["model", "fetch", "vgg99"]).env("XDG_DATA_HOME", home.path());
    let output = command.output().expect("the command starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("vgg19, vgg16"), "{}", stderr(&output));
}

/// Fetches from a server that stalls, and tells what the command says and leaves.
fn stalled(behaviour: Behaviour) -> (String, Vec<String>) {
    let (server, home) = (Server::start(behaviour), folder());
    let begin = std::time::Instant::now();
    let output = fetch(home.path(), &format!("{}/file", server.address));
    // A second for the server, and some for a busy machine.
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    (stderr(&output), names(&home.path().join("impasto").join("models")))
}

#[test]
fn a_server_that_stalls_is_given_up_and_what_came_is_kept() {
    let nothing = || Behaviour { stall_after: Some(0), ..Default::default() };
    for (behaviour, kept) in [
        (Behaviour { slow: Some(Duration::from_secs(600)), ..Default::default() }, false),
        (nothing(), false),
        (Behaviour { small: true, ..nothing() }, false),
        (Behaviour { no_ranges: true, small: true, ..nothing() }, false),
        (Behaviour { no_ranges: true, stall_after: Some(1 << 18), ..Default::default() }, false),
        (Behaviour { stall_after: Some(9 << 20), ..Default::default() }, true),
    ] {
        let (said, files) = stalled(behaviour);
        assert!(said.contains("sent nothing for 1 s") && said.contains("try again"), "{said}");
        assert_eq!(files, if kept { vec![".big.part"] } else { vec![] }, "{said}");
    }
}

#[test]
fn a_time_that_is_none_is_refused() {
    for text in ["0", "-1", "soon", "NaN", "1e9"] {
        let mut command = impasto();
        command
            .args(["model", "fetch", "big", "--from", "http://127.0.0.1:9/x"])
            .env("IMPASTO_FETCH_TIMEOUT", text);
        let output = command.output().expect("the command starts");
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains("IMPASTO_FETCH_TIMEOUT"), "{}", stderr(&output));
    }
}

#[test]
fn redirections_are_followed_as_addresses_say_and_never_off_the_web() {
    for to in ["//HOST/file", "http://HOST/file", "/x/../file", "./file?download=1", "file#part"] {
        // The answer to /a says where; everything else is the file.
        let server = Server::start(Behaviour { to: Some(to.into()), small: true, ..Default::default() });
        let home = folder();
        let output = fetch(home.path(), &format!("{}/a", server.address));
        assert!(output.status.success(), "{to}: {}", stderr(&output));
    }
    for to in ["file:///etc/passwd", "ftp://127.0.0.1/file", "javascript:1"] {
        let said = refused(Behaviour { to: Some(to.into()), ..Default::default() });
        assert!(said.contains("not on the web") && said.contains(to), "{said}");
    }
    let home = folder();
    for from in ["file:///etc/passwd", "/etc/passwd", "example.org/x.safetensors"] {
        let output = fetch(home.path(), from);
        assert_eq!(output.status.code(), Some(4));
        assert!(stderr(&output).contains("https://"), "{}", stderr(&output));
    }
}
