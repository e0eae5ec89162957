use std::cmp::Ordering::{self, Equal, Greater, Less};

use proptest::prelude::*;

use super::{Scheme, compare};

const SCHEMES: [Scheme; 8] = [
    Scheme::Numeric,
    Scheme::Semver,
    Scheme::Debian,
    Scheme::Rpm,
    Scheme::Mixed,
    Scheme::Cisco,
    Scheme::Junos,
    Scheme::Opaque,
];

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

fn incomparable(scheme: Scheme, pairs: &[(&str, &str)]) {
    for (a, b) in pairs {
        assert_eq!(compare(a, b, scheme), None, "{a} against {b}");
        assert_eq!(compare(b, a, scheme), None, "{b} against {a}");
    }
}

#[test]
fn firmware_of_numbers_and_words_is_ordered_within_its_line() {
    table(
        Scheme::Mixed,
        &[
            ("V4.5.1", "V4.5.1", Equal),
            ("V4.5.1", "4.5.1", Equal),
            ("V4.5.10", "V4.5.9", Greater),
            ("6.49.10", "6.49.9", Greater),
            ("FW 02.06.03", "02.06.03", Equal),
            ("FW 02.06.03", "FW 02.10.00", Less),
            ("Firmware V2.1", "v2.1.0", Equal),
            ("7.15rc3", "7.15", Less),
            ("7.15beta9", "7.15rc3", Less),
            ("7.15rc3", "7.15rc10", Less),
            ("7.15rc3", "7.15.1", Less),
            ("10.2.9-h1", "10.2.9", Greater),
            ("10.2.9-h1", "10.2.9-h14", Less),
            ("10.2.10", "10.2.9-h14", Greater),
            ("7.15rc1", "7.15-hotfix1", Less),
            ("W.15.08.0012", "W.15.08.0009", Greater),
            ("FL.10.16.1006", "FL.10.13.1000", Greater),
            ("V200R010C00SPC600", "V200R010C00SPC500", Greater),
            ("V200R010C00SPC600", "V200R010C00", Greater),
            ("V200R010C00", "V200R019C00", Less),
            ("R80.40", "R81", Less),
            ("20.0.3 MR-3-Build427", "20.0.3 MR-3-Build430", Less),
            ("3.17.30_5", "3.17.30_12", Less),
            ("5.01.B65", "5.01.B7", Greater),
            ("9.1.1a", "9.1.1b", Less),
            ("1.17 Build 21091612", "1.17 build 21091611", Greater),
            ("9.0(0.123)", "9.0(1.2)", Less),
        ],
    );
    incomparable(
        Scheme::Mixed,
        &[
            ("W.15.08.0012", "YA.15.08.0012"),
            ("R80.40", "80.40"),
            ("1.2b", "1.2"),
            ("1.2-x3", "1.2"),
            ("1.2h1", "1.2sp1"),
            ("1.2dev1", "1.2"),
            ("latest", "1.2"),
            ("1.2~3", "1.2"),
        ],
    );
}

#[test]
fn cisco_releases_are_ordered_within_their_train() {
    table(
        Scheme::Cisco,
        &[
            ("15.2(7)E3", "15.2(7)E2", Greater),
            ("15.2(7)E3", "15.2(7)E10", Less),
            ("15.2(7)E", "15.2(7)E1", Less),
            ("15.2(4)E10", "15.2(7)E", Less),
            ("15.2(7)E2a", "15.2(7)E2", Greater),
            ("12.2(55)SE10", "15.0(2)SE11", Less),
            ("15.8(3)M4", "15.8(3)M", Greater),
            ("7.0(3)I7(9)", "7.0(3)I7(10)", Less),
            ("10.5(2)", "10.5(3)", Less),
            ("9.0(0.123)", "9.0(0.124)", Less),
            ("9.0(0.123)", "9.0(1)", Less),
            ("9.12(4)24", "9.12(4)", Greater),
            ("9.12(4)24", "9.12(4)7", Greater),
            ("17.3.4a", "17.3.4", Greater),
            ("17.03.04a", "17.3.4b", Less),
            ("16.12.4", "17.3.1", Less),
            ("03.16.05.S", "3.16.7S", Less),
        ],
    );
    incomparable(
        Scheme::Cisco,
        &[
            ("15.2(7)E3", "15.2(4)M6"),
            ("12.2(55)SE", "15.2(7)E"),
            ("15.2(7)E3", "15.2.7"),
            ("3.16.5S", "3.16.5E"),
            ("15.2(7", "15.2(7)E3"),
            ("15.2(7)E3 ", "Version 15.2(7)E3"),
        ],
    );
}

#[test]
fn junos_releases_know_spins_service_releases_and_lines_of_their_own() {
    table(
        Scheme::Junos,
        &[
            ("21.4R3-S5.4", "21.4R3-S5.4", Equal),
            ("21.4R3-S5.4", "21.4R3-S5", Greater),
            ("21.4R3-S5.4", "21.4R3.15", Greater),
            ("21.4R3-S5.4", "21.4R3-S10.1", Less),
            ("21.4R3-S5.4", "22.1R1", Less),
            ("22.3R1.11", "22.3R1.9", Greater),
            ("15.1X49-D120.3", "15.1X49-D90.7", Greater),
            ("15.1X49-D120.3", "18.4R2", Less),
            ("12.3R12-S21", "12.3R12-S3", Greater),
            ("21.4R3-S5.4-EVO", "21.4R3-S4.9-EVO", Greater),
        ],
    );
    incomparable(
        Scheme::Junos,
        &[
            ("15.1X49-D120.3", "15.1X53-D60"),
            ("15.1X49-D120.3", "15.1R7"),
            ("21.4R3-S5.4-EVO", "21.4R3-S5.4"),
            ("21.4", "21.4R3"),
            ("21.4R3-S", "21.4R3"),
        ],
    );
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
        is_ordered(&a, &b, &c)?;
    }

    #[test]
    fn makers_schemes_are_total_orders_where_they_compare(
        a in "1\\.[0-2](h|rc|x|a|sp|-h)?[01]?(\\.|a|b)?[01]?",
        b in "1(\\.|h|rc|x|a|sp)[0-2](h|rc|a)?[01]?",
        c in "1\\.?[0-2]?(h|rc|x|b|\\.)?[01]?[ab]?",
    ) {
        is_ordered(&a, &b, &c)?;
    }

    #[test]
    fn releases_of_cisco_and_junos_are_total_orders_where_they_compare(
        a in "1\\.[12](\\([12]a?\\)E?[12]?|R[12](-S[12](\\.1)?)?|X4[12]-D[12])",
        b in "1\\.[12](\\([12]\\)(E[12]?a?)?|R[12](\\.[12])?|X41-D[12](\\.1)?)",
        c in "1\\.[12](\\([12]\\)E[12]?|R[12](-S[12])?|X4[12]-D[12])",
    ) {
        is_ordered(&a, &b, &c)?;
    }
}

fn is_ordered(a: &str, b: &str, c: &str) -> Result<(), TestCaseError> {
    for scheme in SCHEMES {
        let (ab, ba) = (compare(a, b, scheme), compare(b, a, scheme));
        prop_assert_eq!(ab, ba.map(Ordering::reverse));
        if at_most(a, b, scheme) == Some(true) && at_most(b, c, scheme) == Some(true) {
            prop_assert_eq!(at_most(a, c, scheme), Some(true), "{} {} {}", a, b, c);
        }
    }
    Ok(())
}
