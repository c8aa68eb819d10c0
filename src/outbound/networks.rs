//! Which addresses requests to where callers say may go to: those of the public internet, and what operators allow besides.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Networks that are not the public internet: the special-purpose registries of IANA (RFC 6890 and what came after it),
/// multicast, and addresses at which cloud providers answer machines about themselves outside of these.
const NOT_PUBLIC: [&str; 34] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001:db8::/32",
    "2620:4f:8000::/48",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
    "ff00::/8",
];

/// Which addresses are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Allowed {
    /// The public internet only.
    #[default]
    Public,
    /// These networks too.
    Networks(Vec<IpNet>),
    /// Every address.
    All,
}

/// An address must not be connected to. It is not named: whoever asks must not learn what a name means inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAllowed;

impl std::fmt::Display for NotAllowed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("not an address of the public internet")
    }
}

impl std::error::Error for NotAllowed {}

impl Allowed {
    /// Refuses an address that is neither public nor allowed.
    pub fn check(&self, address: IpAddr) -> Result<(), NotAllowed> {
        let is_allowed = match self {
            Self::All => true,
            Self::Networks(networks) => {
                let meant = meant(address);
                meant.iter().all(|address| is_public(*address) || networks.iter().any(|net| net.contains(address)))
            }
            Self::Public => meant(address).into_iter().all(is_public),
        };
        if is_allowed { Ok(()) } else { Err(NotAllowed) }
    }

    /// Refuses a host that is an address as it stands, or that means this machine by its name. Other names are checked when
    /// they are connected to.
    pub fn check_host(&self, host: &url::Host<&str>) -> Result<(), NotAllowed> {
        match host {
            url::Host::Ipv4(address) => self.check((*address).into()),
            url::Host::Ipv6(address) => self.check((*address).into()),
            url::Host::Domain(name) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                let is_local = name == "localhost" || name.ends_with(".localhost");
                if is_local { self.check(Ipv4Addr::LOCALHOST.into()) } else { Ok(()) }
            }
        }
    }
}

fn is_public(address: IpAddr) -> bool {
    let is_in = |text: &&str| text.parse::<IpNet>().is_ok_and(|net| net.contains(&address));
    !NOT_PUBLIC.iter().any(is_in)
}

/// The addresses that one leads to: itself, or the IPv4 address that an IPv6 address carries through a gateway.
fn meant(address: IpAddr) -> Vec<IpAddr> {
    let IpAddr::V6(v6) = address else { return vec![address] };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return vec![v4.into()];
    }
    carried(v6).map_or_else(|| vec![address], |v4| vec![address, v4.into()])
}

fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [first, second, third, .., last_but_one, last] = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (first, second) {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056).
        (0x64, 0xff9b) => Some(v4(last_but_one, last)),
        (0x2002, _) => Some(v4(second, third)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(allowed: &Allowed, address: &str) -> bool {
        allowed.check(address.parse().unwrap()).is_ok()
    }

    #[test]
    fn every_network_of_the_list_is_one() {
        assert!(NOT_PUBLIC.iter().all(|text| text.parse::<IpNet>().is_ok()));
    }

    #[test]
    fn addresses_inside_are_refused_however_they_are_written() {
        for inside in [
            "127.0.0.1",
            "127.255.0.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "224.0.0.1",
            "239.255.255.250",
            "255.255.255.255",
            "::1",
            "::",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
        ] {
            assert!(!is_allowed(&Allowed::Public, inside), "{inside}");
            assert!(is_allowed(&Allowed::All, inside), "{inside}");
        }
        for outside in ["1.1.1.1", "172.32.0.1", "2606:4700:4700::1111", "64:ff9b::101:101", "2002:101:101::1"] {
            assert!(is_allowed(&Allowed::Public, outside), "{outside}");
        }
    }

    #[test]
    fn networks_that_operators_allow_open_nothing_else() {
        let allowed = Allowed::Networks(vec!["10.0.0.0/8".parse().unwrap()]);
        assert!(is_allowed(&allowed, "10.1.2.3") && is_allowed(&allowed, "1.1.1.1"));
        assert!(is_allowed(&allowed, "::ffff:10.1.2.3"), "the same address, written another way");
        assert!(!is_allowed(&allowed, "127.0.0.1") && !is_allowed(&allowed, "192.168.0.1"));
    }

    #[test]
    fn names_of_this_machine_are_refused_like_its_address() {
        for host in ["localhost", "LOCALHOST", "a.localhost", "localhost."] {
            assert!(Allowed::Public.check_host(&url::Host::Domain(host)).is_err(), "{host}");
        }
        assert!(Allowed::Public.check_host(&url::Host::Domain("localhost.example")).is_ok());
    }
}
