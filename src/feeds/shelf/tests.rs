//! The shelf: what is read, kept and refused.

use super::*;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    std::fs::create_dir(folder.path().join("csaf")).unwrap();
    put("kev.json", include_bytes!("../samples/kev.json"));
    put("epss.csv", include_bytes!("../samples/epss.csv"));
    put("endoflife-v1.json", include_bytes!("../samples/endoflife-v1.json"));
    put("csaf/nha-2099-001.json", include_bytes!("../samples/csaf/nha-2099-001.json"));
    put("csaf/ex-2099-014.json", include_bytes!("../samples/csaf/ex-2099-014.json"));
    put("csaf/changes.csv", include_bytes!("../samples/csaf/changes.csv"));
    folder
}

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

#[test]
fn a_folder_is_read_as_a_whole_and_each_kind_knows_its_age() {
    let folder = folder();
    let shelf = Shelf::load(folder.path(), &BTreeMap::new()).unwrap();
    assert_eq!(*shelf.refused, []);
    assert_eq!(Kind::ALL.map(|kind| shelf.entries(kind)), [2, 2, 4, 2]);
    let states = |now| Kind::ALL.map(|kind| shelf.state(kind, at(now)).word());
    assert_eq!(states("2099-06-29T00:00:00Z"), ["stale", "current", "current", "current"]);
    assert_eq!(states("2099-07-20T00:00:00Z"), ["stale", "stale", "stale", "current"]);
    let why = shelf.trouble(Kind::Csaf, at("2099-06-29T00:00:00Z"));
    assert_eq!(why.as_deref(), Some("it may be 7 days old; import a newer one"));
    assert_eq!(states("2026-01-01T00:00:00Z"), ["broken"; 4]);
    assert_eq!(Shelf::default().state(Kind::Kev, at("2026-01-01T00:00:00Z")), State::Absent);
}

#[test]
fn a_broken_file_shows_and_what_was_whole_before_it_stays() {
    let folder = folder();
    let before = Shelf::load(folder.path(), &BTreeMap::new()).unwrap();
    std::fs::write(folder.path().join("kev.json"), "{\"catalogVersion\": 1}").unwrap();
    let broken = Shelf::load(folder.path(), &BTreeMap::new()).unwrap();
    assert_eq!((broken.refused.len(), broken.refused[0].kind, broken.entries(Kind::Kev)), (1, Some(Kind::Kev), 0));
    let after = broken.after(&before);
    assert_eq!(after.entries(Kind::Kev), 2);
    let now = at("2099-06-29T00:00:00Z");
    assert_eq!((after.state(Kind::Kev, now), after.state(Kind::Epss, now)), (State::Broken, State::Current));
}

#[test]
fn the_digest_of_a_kind_is_that_of_the_list_that_sha256sum_prints() {
    let folder = folder();
    let shelf = Shelf::load(folder.path(), &BTreeMap::new()).unwrap();
    let sum = |bytes: &[u8]| hex(&Sha256::digest(bytes));
    let list = format!(
        "{}  csaf/ex-2099-014.json\n{}  csaf/nha-2099-001.json\n",
        sum(include_bytes!("../samples/csaf/ex-2099-014.json")),
        sum(include_bytes!("../samples/csaf/nha-2099-001.json"))
    );
    assert_eq!(shelf.digest(Kind::Csaf), Some(sum(list.as_bytes())));
    assert_eq!(Shelf::default().digest(Kind::Csaf), None);
}

#[test]
fn what_is_not_looked_at_is_told() {
    let folder = folder();
    let deep = folder.path().join("a/b/c/d");
    std::fs::create_dir_all(deep.join("e")).unwrap();
    std::fs::write(deep.join("e/kev.json"), include_bytes!("../samples/kev.json")).unwrap();
    std::os::unix::fs::symlink(&deep, folder.path().join("linked")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("gone.json")).unwrap();
    let shelf = Shelf::load(folder.path(), &BTreeMap::new()).unwrap();
    let told: Vec<_> =
        shelf.passed_over.iter().map(|one| (one.path.strip_prefix(folder.path()).unwrap(), one.why)).collect();
    assert_eq!(
        told.iter().map(|(path, _)| path.display().to_string()).collect::<Vec<_>>(),
        ["a/b/c/d/e", "gone.json", "linked"]
    );
    assert!(
        told[0].1.contains("deeper") && told[1].1.contains("mend the link") && told[2].1.contains("link to a folder")
    );
}

#[test]
fn a_document_that_must_not_be_named_is_listed_by_its_handle() {
    let folder = folder();
    let red = include_str!("../samples/csaf/nha-2099-001.json").replace("\"WHITE\"", "\"RED\"");
    std::fs::write(folder.path().join("csaf/nha-2099-001.json"), &red).unwrap();
    let shelf = Shelf::load(folder.path(), &BTreeMap::new()).unwrap();
    let names: Vec<&str> = shelf.sources(Kind::Csaf).map(|source| source.name.as_str()).collect();
    assert!(names[1].starts_with("TLP:RED-") && names[1].len() == 16, "{names:?}");
    let document = shelf.documents.iter().find(|one| !one.label.is_public()).unwrap();
    assert_eq!(document.shown_id(), names[1]);
    assert_eq!(document.shown_vulnerability("CVE-2099-10002"), format!("{}-2", names[1]));
    // the digest is still the one that sha256sum makes of the folder
    let list = format!(
        "{}  csaf/ex-2099-014.json\n{}  csaf/nha-2099-001.json\n",
        hex(&Sha256::digest(include_bytes!("../samples/csaf/ex-2099-014.json"))),
        hex(&Sha256::digest(&red))
    );
    assert_eq!(shelf.digest(Kind::Csaf), Some(hex(&Sha256::digest(&list))));
}

#[test]
fn a_hash_beside_a_file_is_held_against_it() {
    let folder = folder();
    let beside = folder.path().join("kev.json.sha256");
    std::fs::write(&beside, format!("{}  kev.json\n", hex(&Sha256::digest(include_bytes!("../samples/kev.json")))))
        .unwrap();
    assert!(Content::load(&folder.path().join("kev.json")).unwrap().is_some());
    std::fs::write(&beside, "00  kev.json\n").unwrap();
    let (_, error) = Content::load(&folder.path().join("kev.json")).unwrap_err();
    assert!(error.to_string().contains("sha256"));
}

#[test]
fn a_thousand_documents_are_read_in_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let sample = include_str!("../samples/csaf/nha-2099-001.json");
    for at in 0..1_000 {
        let text = sample.replace("NHA-2099-001", &format!("NHA-{at}"));
        std::fs::write(folder.path().join(format!("{at}.json")), text).unwrap();
    }
    let start = std::time::Instant::now();
    assert_eq!(Shelf::load(folder.path(), &BTreeMap::new()).unwrap().documents.len(), 1_000);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}
