//! A file on a server, and the requests that get its bytes.

use std::io::Read;
use std::time::Duration;

use ureq::http::Response;
use ureq::{Agent, Body};

use super::address;
use super::stall::is_stall;
use crate::error::{Error, Result};

/// How long a server may take for the head of an answer, and for its body.
const LONGEST_HEAD: Duration = Duration::from_secs(120);
const LONGEST_BODY: Duration = Duration::from_secs(3600);
/// How often a request is made before it counts as failed.
const ATTEMPTS: usize = 4;

/// A file on a server.
pub(super) struct RemoteFile {
    agent: Agent,
    /// How long the server may send nothing.
    pub stall: Duration,
    /// As it was asked for, for messages, and where the server's redirections lead.
    pub url: String,
    address: String,
    /// Bytes of the whole file, where the server says so.
    pub length: Option<u64>,
    /// What the server calls this version of the file.
    pub version: String,
    /// The SHA-256 of the whole file in hexadecimal, if the server tells.
    pub sha256: Option<String>,
    /// Whether it gives parts of the file.
    pub ranges: bool,
}

impl RemoteFile {
    /// Finds the file, follows redirections, and sees what the server can do.
    pub fn open(url: &str, stall: Duration) -> Result<Self> {
        let agent = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_resolve(Some(stall))
            .timeout_connect(Some(stall))
            .timeout_per_read(Some(stall))
            .timeout_per_write(Some(stall))
            .timeout_recv_response(Some(LONGEST_HEAD))
            .timeout_recv_body(Some(LONGEST_BODY))
            .user_agent(concat!("impasto/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let mut out = RemoteFile {
            agent,
            stall,
            url: url.to_string(),
            address: url.to_string(),
            length: None,
            version: String::new(),
            sha256: None,
            ranges: false,
        };
        for _ in 0..10 {
            let response = out.retried(|remote| remote.get(Some((0, 8))))?;
            let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok());
            // The hub names the file's hash where it sends its readers on to its storage.
            let hash = header("x-linked-etag").map(|v| v.trim_matches('"').to_ascii_lowercase());
            out.sha256 =
                out.sha256.or(hash.filter(|h| h.len() == 64 && h.bytes().all(|b| b.is_ascii_hexdigit())));
            let status = response.status().as_u16();
            match (status, header("location")) {
                (301 | 302 | 303 | 307 | 308, Some(to)) => {
                    out.address = address::redirected(&out.address, to)
                        .map_err(|problem| Error::fetch(url, problem))?;
                }
                (200 | 206, _) => {
                    out.ranges = status == 206;
                    let all = header("content-range").and_then(|v| v.rsplit('/').next()?.parse().ok());
                    let length = header("content-length").and_then(|v| v.parse().ok());
                    out.length = all.or(length.filter(|_| status == 200));
                    let version = header("etag").or(header("last-modified")).unwrap_or_default();
                    out.version = out.sha256.clone().unwrap_or_else(|| version.to_string());
                    return Ok(out);
                }
                (401 | 403, _) => {
                    return Err(Error::fetch(
                        url,
                        format!(
                            "the server refuses it (status {status}); it may ask for a login, or the address may be wrong"
                        ),
                    ));
                }
                (404, _) => {
                    return Err(Error::fetch(
                        url,
                        "there is no such file (status 404); check the address, or give another with --from",
                    ));
                }
                _ => {
                    return Err(Error::fetch(
                        url,
                        format!(
                            "the server answers with status {status}; try again later, or give another address with --from"
                        ),
                    ));
                }
            }
        }
        Err(Error::fetch(url, "the server sends its readers on and on; check the address"))
    }

    pub fn get(&self, range: Option<(u64, u64)>) -> std::result::Result<Response<Body>, ureq::Error> {
        let mut request = self.agent.get(&self.address);
        if let Some((from, to)) = range {
            request = request.header("range", format!("bytes={from}-{}", to - 1));
        }
        request.call()
    }

    /// Does something that may fail by chance, some times over; not where the server sends nothing, as that takes long.
    pub fn retried<T>(&self, mut f: impl FnMut(&Self) -> std::result::Result<T, ureq::Error>) -> Result<T> {
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                std::thread::sleep(Duration::from_millis(300 << attempt));
            }
            match f(self) {
                Ok(v) => return Ok(v),
                Err(e) if is_stall(&e) => return Err(Error::fetch(&self.url, self.stalled())),
                Err(e) => last = Some(e),
            }
        }
        let problem = last.map_or_else(String::new, |e| e.to_string());
        Err(Error::fetch(
            &self.url,
            format!(
                "{problem}; check the connection (proxies are taken from HTTPS_PROXY) and try again: what is there is kept"
            ),
        ))
    }

    fn stalled(&self) -> String {
        format!(
            "the server sent nothing for {} s; check the connection (proxies are taken from HTTPS_PROXY) and try again: \
             what is there is kept",
            self.stall.as_secs_f64()
        )
    }

    /// The bytes from `from` to `to`.
    pub fn piece(&self, from: u64, to: u64) -> Result<Vec<u8>> {
        self.retried(|remote| {
            let response = remote.get(Some((from, to)))?;
            let status = response.status().as_u16();
            let mut bytes = Vec::new();
            response.into_body().into_reader().take(to - from + 1).read_to_end(&mut bytes)?;
            if status != 206 || bytes.len() as u64 != to - from {
                let problem =
                    format!("asked for {} bytes, got {} with status {status}", to - from, bytes.len());
                return Err(ureq::Error::Io(std::io::Error::other(problem)));
            }
            Ok(bytes)
        })
    }
}
