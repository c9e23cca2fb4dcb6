//! Addresses on the web: where a redirection leads.

/// The parts of an address (RFC 3986, section 3), each with the characters that set it off.
struct Url<'a> {
    /// `https:`
    scheme: &'a str,
    /// `//example.org:8080`
    host: &'a str,
    /// `/a/b`
    path: &'a str,
    /// `?x=1`
    query: &'a str,
}

impl<'a> Url<'a> {
    fn parse(address: &'a str) -> Self {
        let address = address.split('#').next().unwrap_or_default();
        let is_scheme = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphabetic())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        };
        let (scheme, rest) = match address.split_once(':') {
            Some((scheme, _)) if is_scheme(scheme) => address.split_at(scheme.len() + 1),
            _ => ("", address),
        };
        let end = |text: &str, ends: &[char]| text.find(ends).unwrap_or(text.len());
        let (host, rest) = match rest.strip_prefix("//") {
            Some(named) => rest.split_at(2 + end(named, &['/', '?'])),
            None => ("", rest),
        };
        let (path, query) = rest.split_at(end(rest, &['?']));
        Url { scheme, host, path, query }
    }
}

/// Whether a file may be got from there: what is wrong, if not.
pub(super) fn check(address: &str) -> Result<(), String> {
    let Url { scheme, host, .. } = Url::parse(address);
    if !matches!(scheme.to_ascii_lowercase().as_str(), "http:" | "https:") || host.len() < 3 {
        return Err(
            "is not an address on the web; expected one that begins with https:// or http://".to_string()
        );
    }
    Ok(())
}

/// Where a redirection from `from` to `to` leads, which may be relative (RFC 3986, section 5.2). One that leaves the web,
/// or leads from https to http, is refused with what is wrong.
pub(super) fn redirected(from: &str, to: &str) -> Result<String, String> {
    let (base, target) = (Url::parse(from), Url::parse(to));
    let path;
    let (host, path, query) = if !target.scheme.is_empty() || !target.host.is_empty() {
        (target.host, target.path, target.query)
    } else if target.path.is_empty() {
        (base.host, base.path, if target.query.is_empty() { base.query } else { target.query })
    } else if target.path.starts_with('/') {
        (base.host, target.path, target.query)
    } else {
        let folder = base.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        path = format!("{folder}/{}", target.path);
        (base.host, path.as_str(), target.query)
    };
    let scheme = if target.scheme.is_empty() { base.scheme } else { target.scheme };
    let address = format!("{scheme}{host}{}{query}", without_dots(path));
    check(&address)
        .map_err(|_| format!("the server sends its readers on to '{to}', which is not on the web"))?;
    if base.scheme.eq_ignore_ascii_case("https:") && !scheme.eq_ignore_ascii_case("https:") {
        return Err(format!(
            "the server sends its readers on from https to {address}, where anybody on the way could change the file; give \
             an address that stays with https"
        ));
    }
    Ok(address)
}

/// A path with its `.` and `..` carried out.
fn without_dots(path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    for (at, step) in steps.iter().enumerate() {
        match *step {
            "." => {}
            ".." => drop(out.pop()),
            step => out.push(step),
        }
        if at + 1 == steps.len() && matches!(*step, "." | "..") {
            out.push("");
        }
    }
    out.iter().map(|step| format!("/{step}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirections_lead_where_addresses_say() {
        let from = "https://a.org:81/b/c/d.bin?x=1#part";
        for (to, wanted) in [
            ("https://other.net/file", "https://other.net/file"),
            ("HTTPS://other.net/file", "HTTPS://other.net/file"),
            ("//cdn.net/e?y=2", "https://cdn.net/e?y=2"),
            ("//cdn.net", "https://cdn.net"),
            ("/e/f", "https://a.org:81/e/f"),
            ("e", "https://a.org:81/b/c/e"),
            ("./e?at=12:30", "https://a.org:81/b/c/e?at=12:30"),
            ("../e", "https://a.org:81/b/e"),
            ("../../../../e", "https://a.org:81/e"),
            ("..", "https://a.org:81/b/"),
            ("?y=2", "https://a.org:81/b/c/d.bin?y=2"),
            ("", "https://a.org:81/b/c/d.bin?x=1"),
            ("#end", "https://a.org:81/b/c/d.bin?x=1"),
            ("/e?to=https://x.org/y", "https://a.org:81/e?to=https://x.org/y"),
        ] {
            assert_eq!(redirected(from, to).as_deref(), Ok(wanted), "{to}");
        }
        assert_eq!(redirected("http://a.org", "e").as_deref(), Ok("http://a.org/e"));
        assert_eq!(redirected("http://a.org/x", "https://b.org/e").as_deref(), Ok("https://b.org/e"));
    }

    #[test]
    fn redirections_to_less_safe_places_are_refused() {
        for to in
            ["http://a.org/e", "HTTP://a.org/e", "file:///etc/passwd", "ftp://a.org/e", "data:,x", "https:"]
        {
            assert!(redirected("https://a.org/x", to).is_err(), "{to}");
        }
        assert!(redirected("HTTPS://a.org/x", "http://a.org/e").expect_err("less safe").contains("https"));
        assert!(check("http://a.org").is_ok() && check("a.org/x").is_err() && check("/x").is_err());
    }
}
