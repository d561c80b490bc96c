//! What a session is shown as: the device by its user agent, and the place by its address. Both are for people to recognise,
//! and prove nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How much of a user agent is looked at.
const LONGEST: usize = 512;

/// What nothing is known about.
const UNKNOWN: &str = "Unknown device";

/// Programs by a word in their user agents. The order matters: most of them claim to be others further down.
const PROGRAMS: &[(&str, &str)] = &[
    ("cloister", "Cloister"),
    ("edg/", "Edge"),
    ("edga/", "Edge"),
    ("edgios/", "Edge"),
    ("opr/", "Opera"),
    ("opera", "Opera"),
    ("vivaldi/", "Vivaldi"),
    ("samsungbrowser/", "Samsung Internet"),
    ("yabrowser/", "Yandex Browser"),
    ("duckduckgo/", "DuckDuckGo"),
    ("fxios/", "Firefox"),
    ("focus/", "Firefox Focus"),
    ("firefox/", "Firefox"),
    ("crios/", "Chrome"),
    ("headlesschrome/", "Chrome"),
    ("chromium/", "Chromium"),
    ("chrome/", "Chrome"),
    ("trident/", "Internet Explorer"),
    ("msie ", "Internet Explorer"),
    // Android's old browser says Safari as well.
    ("version/4.0 mobile safari/", "Android Browser"),
    ("safari/", "Safari"),
    ("curl/", "curl"),
    ("wget/", "Wget"),
    ("httpie/", "HTTPie"),
    ("postmanruntime/", "Postman"),
    ("insomnia/", "Insomnia"),
    ("python-requests/", "Python"),
    ("python-httpx/", "Python"),
    ("python-urllib/", "Python"),
    ("aiohttp/", "Python"),
    ("go-http-client/", "Go"),
    ("okhttp/", "Android app"),
    ("cfnetwork/", "Apple app"),
    ("dart/", "Dart"),
    ("axios/", "JavaScript"),
    ("node", "JavaScript"),
    ("java/", "Java"),
    ("powershell/", "PowerShell"),
];

/// Systems by a word in user agents. Telephones name the system of computers too.
const SYSTEMS: &[(&str, &str)] = &[
    ("iphone", "iPhone"),
    ("ipad", "iPad"),
    ("ipod", "iPod"),
    ("android", "Android"),
    ("windows phone", "Windows Phone"),
    ("windows", "Windows"),
    ("cros ", "ChromeOS"),
    ("macintosh", "macOS"),
    ("mac os x", "macOS"),
    ("darwin", "macOS"),
    ("freebsd", "FreeBSD"),
    ("openbsd", "OpenBSD"),
    ("linux", "Linux"),
];

/// A user agent in words: `Firefox on Linux`. Only words of ours, never the sender's.
pub fn device(user_agent: Option<&str>) -> String {
    let Some(agent) = user_agent else { return UNKNOWN.to_owned() };
    let agent: String = agent.chars().take(LONGEST).collect::<String>().to_ascii_lowercase();
    let find =
        |words: &[(&str, &'static str)]| words.iter().find(|(word, _)| agent.contains(word)).map(|(_, name)| *name);
    match (find(PROGRAMS), find(SYSTEMS)) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => UNKNOWN.to_owned(),
    }
}

/// Where an address is, as far as it tells by itself: this machine, this network, or the network it belongs to.
pub fn place(address: Option<IpAddr>) -> String {
    let Some(address) = address.map(|address| address.to_canonical()) else { return "unknown".to_owned() };
    if address.is_loopback() {
        return "this machine".to_owned();
    }
    let near = match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    if near { "this network".to_owned() } else { network(address) }
}

/// The network that an address belongs to: a /24 of IPv4, a /48 of IPv6, which is what one household or house is given at
/// most. Whoever has one address of it can have the others.
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{}/24", Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{device, network, place};

    #[test]
    fn devices_are_named_as_their_owners_would() {
        for (agent, words) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36 Edg/137.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/137.0.7151.79 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/139.0 Mobile/15E148 Safari/605.1.15",
                "Firefox on iPad",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0.0.0 Safari/537.36",
                "Chrome on ChromeOS",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/135.0.0.0 Safari/537.36 OPR/120.0.0.0",
                "Opera on Windows",
            ),
            ("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer on Windows"),
            ("curl/8.14.1", "curl"),
            ("Wget/1.25.0 (linux-gnu)", "Wget on Linux"),
            ("python-requests/2.32.3", "Python"),
            ("okhttp/4.12.0", "Android app"),
            ("Mozilla/5.0 (X11; Linux x86_64)", "Linux"),
            ("", "Unknown device"),
            ("<script>alert(1)</script>", "Unknown device"),
        ] {
            assert_eq!(device(Some(agent)), words, "{agent}");
        }
        assert_eq!(device(None), "Unknown device");
    }

    #[test]
    fn only_the_beginning_is_looked_at() {
        let padding = "x".repeat(512);
        assert_eq!(device(Some(&format!("{padding} firefox/1"))), "Unknown device");
        assert_eq!(device(Some(&format!("{}firefox/1", &padding[..500]))), "Firefox");
    }

    #[test]
    fn places_are_coarse() {
        for (address, words) in [
            ("127.0.0.1", "this machine"),
            ("::1", "this machine"),
            ("::ffff:127.0.0.1", "this machine"),
            ("192.168.1.5", "this network"),
            ("10.9.8.7", "this network"),
            ("172.31.0.1", "this network"),
            ("172.32.0.1", "172.32.0.0/24"),
            ("fd00::5", "this network"),
            ("fe80::1", "this network"),
            ("203.0.113.77", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ] {
            assert_eq!(place(Some(address.parse().unwrap())), words, "{address}");
        }
        assert_eq!(place(None), "unknown");
        assert_eq!(network("10.9.8.7".parse().unwrap()), "10.9.8.0/24");
    }
}
