use super::*;
use crate::feeds::range::Range;
use crate::rule::version::Scheme;

fn document(tree: &str, vulnerabilities: &str) -> String {
    format!(
        r#"{{"document":{{"csaf_version":"2.0","publisher":{{"namespace":"https://x.example"}},"title":"t","tracking":
        {{"id":"X-1","version":"1","status":"final","current_release_date":"2026-01-01T00:00:00Z"}}}},
        "product_tree":{tree},"vulnerabilities":{vulnerabilities}}}"#
    )
}

fn refusal(text: &str) -> String {
    Document::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_range_a_fix_and_a_clearance_are_read_with_their_products() {
    let document = Document::parse(include_bytes!("../samples/csaf/nha-2099-001.json")).unwrap();
    assert_eq!((&*document.id, document.vulnerabilities.len(), document.products.len()), ("NHA-2099-001", 2, 3));
    let old = &document.products[0];
    assert_eq!(
        (old.vendor.as_deref(), &*old.names[1], &*old.numbers[0]),
        (Some("Nordhall Automation"), "N7-300", "N7-300-*")
    );
    assert_eq!(old.range.contains("2.8.3", Scheme::Numeric), Some(true));
    assert_eq!(document.products[2].range, Range::All);
    let second = &document.vulnerabilities[1];
    assert!(second.statements.contains(&(2, Status::Cleared)) && second.statements.contains(&(0, Status::Affected)));
    assert!((document.vulnerabilities[0].scores[&0] - 9.8).abs() < 0.01);
}

#[test]
fn firmware_on_hardware_is_one_product_of_two() {
    let document = Document::parse(include_bytes!("../samples/csaf/ex-2099-014.json")).unwrap();
    let whole = document.products.iter().find_map(|product| product.whole).unwrap();
    assert!(
        whole.is_installed && document.products[whole.base as usize].names.iter().any(|name| &**name == "EdgeLink 40")
    );
    for text in
        [&include_bytes!("../samples/csaf/ex-2099-021.json")[..], include_bytes!("../samples/csaf/cve-2099-10004.json")]
    {
        Document::parse(text).unwrap();
    }
}

#[test]
fn a_document_that_contradicts_itself_is_refused_with_the_reason() {
    let twice = r#"{"full_product_names":[{"name":"a","product_id":"P"},{"name":"b","product_id":"P"}]}"#;
    assert!(refusal(&document(twice, "[]")).contains("\"P\" is defined twice"));
    let nowhere = r#"[{"cve":"CVE-2099-1","product_status":{"known_affected":["Q"]}}]"#;
    assert!(refusal(&document("{}", nowhere)).contains("\"Q\" is used and nowhere defined"));
    let circle = r#"{"relationships":[
        {"category":"installed_on","product_reference":"A","relates_to_product_reference":"B","full_product_name":{"name":"a","product_id":"A"}},
        {"category":"installed_on","product_reference":"A","relates_to_product_reference":"A","full_product_name":{"name":"b","product_id":"B"}}]}"#;
    assert!(refusal(&document(circle, "[]")).contains("circle"));
    let other = document("{}", "[]").replace("\"2.0\"", "\"2.1\"");
    assert!(refusal(&other).contains("only 2.0 is read"));
}

#[test]
fn a_tree_of_endless_depth_or_width_is_refused_quickly() {
    let deep = format!(
        r#"{{"branches":{}{}}}"#,
        r#"[{"category":"product_family","name":"x","branches":"#.repeat(5_000),
        "}]".repeat(5_000)
    );
    assert!(refusal(&document(&deep, "[]")).contains("deeper"));
    let branch = r#"{"category":"product_name","name":"x","product":{"name":"x","product_id":"P"}}"#;
    let wide = format!(r#"{{"branches":[{}]}}"#, vec![branch; 500_000].join(","));
    assert!(refusal(&document(&wide, "[]")).contains("values"));
    let many: Vec<String> = (0..200_001).map(|at| format!(r#"{{"name":"x","product_id":"{at}"}}"#)).collect();
    let many = format!(r#"{{"full_product_names":[{}]}}"#, many.join(","));
    assert!(refusal(&document(&many, "[]")).contains("200000 products"));
}

#[test]
fn a_later_version_of_a_document_replaces_an_earlier_one() {
    let first = Document::parse(document("{}", "[]").as_bytes()).unwrap();
    let tenth = Document { version: "1.10".into(), ..first.clone() };
    assert!(tenth.replaces(&first) && !first.replaces(&tenth));
}
