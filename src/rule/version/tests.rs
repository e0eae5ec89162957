use std::cmp::Ordering::{self, Equal, Greater, Less};

use proptest::prelude::*;

use super::{Scheme, compare};

const SCHEMES: [Scheme; 5] = [Scheme::Numeric, Scheme::Semver, Scheme::Debian, Scheme::Rpm, Scheme::Opaque];

fn table(scheme: Scheme, rows: &[(&str, &str, Ordering)]) {
    for (a, b, order) in rows {
        assert_eq!(compare(a, b, scheme), Some(*order), "{a} against {b}");
        assert_eq!(compare(b, a, scheme), Some(order.reverse()), "{b} against {a}");
    }
}

#[test]
fn numbers_compare_by_value_and_trailing_zeros_do_not_count() {
    table(
        Scheme::Numeric,
        &[
            ("4.10", "4.9", Greater),
            ("v1.2", "1.2.0", Equal),
            ("1.02", "1.2", Equal),
            ("4.5.2-12", "4.5.2-9", Greater),
            ("99999999999999999999999", "99999999999999999999998", Greater),
        ],
    );
    for unreadable in ["15.2(7)E3", "1..2", "1.2b", "", "latest", "1.2\u{e9}"] {
        assert_eq!(compare(unreadable, "1.2", Scheme::Numeric), None, "{unreadable:?}");
    }
}

#[test]
fn semver_follows_its_own_list_of_precedence() {
    let order = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
    ];
    for pair in order.windows(2) {
        table(Scheme::Semver, &[(pair[0], pair[1], Less)]);
    }
    table(Scheme::Semver, &[("1.0.0+a", "v1.0.0+b", Equal), ("1.2", "1.2.0", Equal)]);
    assert_eq!(compare("1.2.3.4", "1.2.3", Scheme::Semver), None);
}

#[test]
fn debian_versions_follow_dpkg() {
    table(
        Scheme::Debian,
        &[
            ("1:0.4", "10.3", Greater),
            ("1.2.3-1", "1.2.3-1+deb12u1", Less),
            ("1.0~rc1-1", "1.0-1", Less),
            ("1.0~~", "1.0~", Less),
            ("1.0~", "1.0~a", Less),
            ("1.0", "1.0a", Less),
            ("1.0a", "1.0+", Less),
            ("9.2p1-2+deb12u3", "9.2p1-2+deb12u10", Less),
            ("1.4-1", "1.4", Greater),
            ("0:1.4", "1.4", Equal),
            ("1.4-0", "1.4", Equal),
            ("2.36.9-1ubuntu1", "2.36-9+deb12u4", Greater),
            ("1:8.4p1-5", "1:9.2p1-2", Less),
            ("1.0.4-2", "1.0.4-10", Less),
            ("007", "7", Equal),
            ("1.2-3-4", "1.2-3-5", Less),
        ],
    );
    for unreadable in ["a:1.2", ":1.2", "1.2 3", "1.2/3", "-1", "1:"] {
        assert_eq!(compare(unreadable, "1.2", Scheme::Debian), None, "{unreadable:?}");
    }
}

#[test]
fn rpm_versions_follow_rpmvercmp() {
    // from rpm's own tests/rpmvercmp.at
    table(
        Scheme::Rpm,
        &[
            ("1.0", "1.0", Equal),
            ("2.0.1", "2.0.1a", Less),
            ("5.5p1", "5.5p10", Less),
            ("10xyz", "10.1xyz", Less),
            ("xyz10", "xyz10.1", Less),
            ("xyz.4", "8", Less),
            ("5.5p2", "5.6p1", Less),
            ("6.0", "6.0.rc1", Less),
            ("10b2", "10a1", Greater),
            ("1.0aa", "1.0a", Greater),
            ("10.0001", "10.1", Equal),
            ("10.0001", "10.0039", Less),
            ("4.999.9", "5.0", Less),
            ("20101121", "20101122", Less),
            ("2_0", "2.0", Equal),
            ("1.0~rc1", "1.0", Less),
            ("1.0~rc1~git123", "1.0~rc1", Less),
            ("1.0^", "1.0", Greater),
            ("1.0^git1", "1.0^git2", Less),
            ("1.0^git1", "1.01", Less),
            ("1.0^20160101", "1.0.1", Less),
            ("1.0~rc1^git1", "1.0~rc1", Greater),
            ("1.0^git1~pre", "1.0^git1", Less),
            ("1:1.0-1", "2.0-1", Greater),
            ("1.2-3.el9", "1.2-10.el9", Less),
            ("1.2", "1.2-3", Less),
        ],
    );
    assert_eq!(compare("x:1", "1", Scheme::Rpm), None);
    assert_eq!(compare("~", "1", Scheme::Rpm), None);
}

#[test]
fn opaque_versions_have_no_order() {
    assert_eq!(compare("R2", "R2", Scheme::Opaque), Some(Equal));
    assert_eq!(compare("R2", "R3", Scheme::Opaque), None);
}

#[test]
fn an_overlong_version_is_not_compared() {
    let long = "1.".repeat(200) + "1";
    for scheme in SCHEMES {
        assert_eq!(compare(&long, "1", scheme), None);
    }
}

fn at_most(a: &str, b: &str, scheme: Scheme) -> Option<bool> {
    compare(a, b, scheme).map(Ordering::is_le)
}

proptest! {
    #[test]
    fn no_text_makes_a_comparison_panic(a in ".{0,40}", b in "\\PC{0,40}") {
        for scheme in SCHEMES {
            let _ = compare(&a, &b, scheme);
        }
    }

    #[test]
    fn every_scheme_is_a_total_order(
        a in "[0-2]{0,1}:?[0-9.a~^+-]{1,6}", b in "[0-9.ab~^+-]{1,6}", c in "[0-9.a~^-]{1,6}",
    ) {
        for scheme in SCHEMES {
            let (ab, ba) = (compare(&a, &b, scheme), compare(&b, &a, scheme));
            prop_assert_eq!(ab, ba.map(Ordering::reverse));
            if at_most(&a, &b, scheme) == Some(true) && at_most(&b, &c, scheme) == Some(true) {
                prop_assert_eq!(at_most(&a, &c, scheme), Some(true), "{} {} {}", a, b, c);
            }
        }
    }
}
