//! Which addresses are on the public internet.
//!
//! The tables are IANA's special-purpose address registries for IPv4 and IPv6 (RFC 6890, state of
//! 2026-11), addresses that clouds use internally although they are not in a registry, and, for
//! IPv6, the one block from which unicast addresses are assigned. `std` has `is_global` only on its
//! nightly channel, and the crates that copy it have not changed since 2020.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 blocks without web servers on the public internet (192.0.0.9 and 192.0.0.10 are reachable,
/// but no web servers): the first address and the length of the prefix.
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 18] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),        // "this network", RFC 791
    (Ipv4Addr::new(10, 0, 0, 0), 8),       // private, RFC 1918
    (Ipv4Addr::new(100, 64, 0, 0), 10),    // shared by carriers, RFC 6598; metadata service of Alibaba Cloud
    (Ipv4Addr::new(127, 0, 0, 0), 8),      // loopback, RFC 1122
    (Ipv4Addr::new(161, 26, 0, 0), 16),    // IBM Cloud's own services
    (Ipv4Addr::new(166, 8, 0, 0), 14),     // IBM Cloud's service endpoints
    (Ipv4Addr::new(168, 63, 129, 16), 32), // Azure's platform: DNS, metadata, the agent's secrets
    (Ipv4Addr::new(169, 254, 0, 0), 16),   // link-local, RFC 3927; metadata services of clouds
    (Ipv4Addr::new(172, 16, 0, 0), 12),    // private, RFC 1918
    (Ipv4Addr::new(192, 0, 0, 0), 24),     // protocol assignments, RFC 6890; metadata service of Oracle Cloud
    (Ipv4Addr::new(192, 0, 2, 0), 24),     // documentation, RFC 5737
    (Ipv4Addr::new(192, 88, 99, 0), 24),   // 6to4 relays, deprecated by RFC 7526
    (Ipv4Addr::new(192, 168, 0, 0), 16),   // private, RFC 1918
    (Ipv4Addr::new(198, 18, 0, 0), 15),    // benchmarking, RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24),  // documentation, RFC 5737
    (Ipv4Addr::new(203, 0, 113, 0), 24),   // documentation, RFC 5737
    (Ipv4Addr::new(224, 0, 0, 0), 4),      // multicast, RFC 5771
    (Ipv4Addr::new(240, 0, 0, 0), 4),      // reserved, RFC 1112, and the broadcast address, RFC 919
];

/// Global unicast (RFC 4291 §2.4). Outside of it are loopback, unspecified, addresses with an IPv4
/// address in them (mapped RFC 4291, NAT64 RFC 6052 and 8215), discard-only (RFC 6666), segment
/// routing (RFC 9602), unique local (RFC 4193), link-local, site-local and multicast (RFC 4291).
const PUBLIC_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Blocks within global unicast that belong to no host on the public internet.
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, RFC 2928: Teredo, benchmarking, ORCHID
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation, RFC 3849
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4, RFC 3056: an IPv4 address in disguise
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation, RFC 9637
];

/// Whether an address can be that of a host on the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let bits = address.to_bits();
            let is_in = |(first, prefix): (Ipv4Addr, _)| (bits ^ first.to_bits()).leading_zeros() >= prefix;
            !NOT_PUBLIC_V4.into_iter().any(is_in)
        }
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            let is_in = |(first, prefix): (Ipv6Addr, _)| (bits ^ first.to_bits()).leading_zeros() >= prefix;
            is_in(PUBLIC_V6) && !NOT_PUBLIC_V6.into_iter().any(is_in)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_public(addresses: &[&str], expected: bool) {
        for address in addresses {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    /// The first and the last address of every block of the registry that is not globally
    /// reachable, and their neighbours that are.
    #[test]
    fn iana_ipv4_special_purpose_address_registry() {
        assert_public(&["0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255"], false);
        assert_public(&["1.0.0.0", "9.255.255.255", "11.0.0.0"], true);
        assert_public(&["100.64.0.0", "100.127.255.255"], false);
        assert_public(&["100.63.255.255", "100.128.0.0"], true);
        assert_public(&["127.0.0.0", "127.0.0.1", "127.255.255.255"], false);
        assert_public(&["126.255.255.255", "128.0.0.0"], true);
        assert_public(&["169.254.0.0", "169.254.169.254", "169.254.255.255"], false);
        assert_public(&["169.253.255.255", "169.255.0.0"], true);
        assert_public(&["172.16.0.0", "172.31.255.255"], false);
        assert_public(&["172.15.255.255", "172.32.0.0"], true);
        assert_public(
            &["192.0.0.0", "192.0.0.8", "192.0.0.170", "192.0.0.255", "192.0.2.0", "192.0.2.255"],
            false,
        );
        assert_public(&["191.255.255.255", "192.0.1.0", "192.0.3.0"], true);
        assert_public(&["192.88.99.0", "192.88.99.255", "192.168.0.0", "192.168.255.255"], false);
        assert_public(&["192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0"], true);
        assert_public(&["198.18.0.0", "198.19.255.255", "198.51.100.0", "198.51.100.255"], false);
        assert_public(&["198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0"], true);
        assert_public(&["203.0.113.0", "203.0.113.255"], false);
        assert_public(&["203.0.112.255", "203.0.114.0"], true);
        assert_public(&["224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255"], false);
        assert_public(&["223.255.255.255", "8.8.8.8"], true);
    }

    #[test]
    fn what_clouds_answer_at_within_themselves() {
        assert_public(&["168.63.129.16", "169.254.169.254", "169.254.170.2", "169.254.0.23"], false);
        assert_public(&["168.63.129.15", "168.63.129.17"], true);
        assert_public(&["100.100.100.200", "192.0.0.192", "161.26.0.0", "161.26.255.255"], false);
        assert_public(&["166.8.0.0", "166.11.255.255"], false);
        assert_public(&["161.25.255.255", "161.27.0.0", "166.7.255.255", "166.12.0.0"], true);
        assert_public(&["fd00:ec2::254", "fd00:42::42", "fd20:ce::254", "fe80::a9fe:a9fe"], false);
    }

    /// Every form of IPv6 with an IPv4 address in it: none opens what IPv4 does not reach.
    #[test]
    fn an_ipv4_address_in_disguise() {
        for v4 in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "168.63.129.16", "100.100.100.200", "8.8.8.8"]
        {
            let bits = v4.parse::<Ipv4Addr>().unwrap().to_bits();
            let (high, low) = (bits >> 16, bits & 0xffff);
            let forms = [
                format!("::ffff:{v4}"),                                           // mapped
                format!("::{v4}"),                                                // compatible
                format!("::ffff:0:{v4}"),                                         // translated
                format!("64:ff9b::{v4}"),                                         // NAT64
                format!("64:ff9b:1::{v4}"),                                       // NAT64, local use
                format!("2002:{high:x}:{low:x}::1"),                              // 6to4
                format!("2001:0:{high:x}:{low:x}::1"),                            // Teredo, the server
                format!("2001:0:1:1:0:0:{:x}:{:x}", high ^ 0xffff, low ^ 0xffff), // Teredo, the client
                format!("fe80::5efe:{v4}"),                                       // ISATAP
            ];
            assert_public(&forms.each_ref().map(String::as_str), false);
        }
    }

    /// Blocks of the registries that are reachable globally.
    #[test]
    fn what_the_registries_call_globally_reachable_is_public_unless_no_web_server_is_there() {
        assert_public(&["192.31.196.1", "192.52.193.1", "192.175.48.1", "2620:4f:8000::1"], true);
        assert_public(&["192.0.0.9", "192.0.0.10", "2001:1::1", "2001:1::2", "2001:20::1"], false);
    }

    #[test]
    fn iana_ipv6_special_purpose_address_registry() {
        assert_public(
            &["::", "::1", "::2", "fc00::", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1"],
            false,
        );
        // IPv4-mapped, -compatible and -translated; NAT64; discard-only; SRv6.
        assert_public(&["::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8", "::ffff:0:127.0.0.1"], false);
        assert_public(&["64:ff9b::8.8.8.8", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "100::1", "5f00::1"], false);
        // Teredo, benchmarking, AMT, AS112, ORCHID, drone remote identification.
        assert_public(
            &["2001::1", "2001:2::1", "2001:3::1", "2001:4:112::1", "2001:10::1", "2001:30::1"],
            false,
        );
        assert_public(&["2001:1ff:ffff::1", "2001:db8::1", "2001:db8:ffff::1"], false);
        assert_public(&["2001:200::1", "2001:db7:ffff::1", "2001:db9::1"], true);
        assert_public(&["2002::1", "2002:7f00:1::1", "2002:808:808::1", "3fff::1", "3fff:fff::1"], false);
        assert_public(&["2003::1", "2001:ffff::1", "3ffe::1", "3fff:1000::1"], true);
        assert_public(&["1fff::1", "4000::1"], false);
        assert_public(&["2000::", "2606:4700::1111", "2a00:1450:4001::200e"], true);
    }
}
