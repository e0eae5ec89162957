//! A recording of a real visit: a fixture that says the same, and not whose host it was.

use crate::support::{Plant, SshHost, is_root};

const CHECK: &str = "ssh-root-login";

#[test]
fn a_recorded_visit_is_a_fixture_and_tells_nobody_whose_host_it_was() {
    // root is everybody's name, so where we can we come as somebody else
    let (user, access) = if is_root() { ("watcher".to_owned(), ", privilege: sudo") } else { (SshHost::user(), "") };
    let host = SshHost::openssh(&format!("PermitRootLogin yes\nAllowUsers {user} root jens@10.1.2.3"));
    let credential = host.credential("key", &user);
    let asset = format!(
        "- {{ id: pump-house-7, address: localhost, zone: office, kind: linux-host, site: esbjerg-nord, serial: SN-4711-X, \
         access: {{ ssh: {{ credential: key, port: {}{access} }} }} }}\n",
        host.port()
    );
    let plant = Plant::new(&format!("credentials:\n{credential}"), &asset);
    let live = plant.check(&["--check", CHECK]);
    assert_eq!(live.state("pump-house-7", CHECK), "fail");
    let fixture = format!("mine/linux/fixtures/{CHECK}/recorded.fail.yaml");
    std::fs::create_dir_all(plant.path(&fixture).parent().unwrap()).unwrap();
    let ran = plant.run(&["record", "--asset", "pump-house-7", "--check", CHECK, "--output", &fixture]);
    assert_eq!(ran.code, 0, "{}", ran.err);

    // a setting of sshd that happens to hold the name
    let text = std::fs::read_to_string(plant.path(&fixture)).unwrap().replace("x11uselocalhost", "");
    let mut telling: Vec<String> =
        ["pump-house-7", "localhost", "esbjerg-nord", "SN-4711-X", "10.1.2.3", "PRIVATE KEY"]
            .map(str::to_owned)
            .to_vec();
    telling.extend([user, host.fingerprint()].into_iter().filter(|word| word != "root"));
    telling.extend(host.public_keys());
    for word in telling {
        assert!(!text.contains(&word), "{word} is in the recording: {text}");
    }

    let tested = plant.run_plain(&["catalog", "test", CHECK, "--extra", "mine"]);
    assert_eq!(tested.code, 0, "{}{}", tested.out, tested.err);
    let builtin = plant.run_plain(&["catalog", "test", CHECK]);
    let count = |out: &str| out.split(' ').next().unwrap().parse::<u32>().unwrap();
    assert_eq!(count(&tested.out), count(&builtin.out) + 1, "the recording was not among them");
    std::fs::rename(plant.path(&fixture), plant.path(&fixture.replace("fail", "pass"))).unwrap();
    assert_eq!(plant.run_plain(&["catalog", "test", CHECK, "--extra", "mine"]).code, 1, "any verdict would do");
}

#[test]
fn a_recording_that_cannot_be_written_says_where_and_what_helps() {
    let plant = Plant::new("", "- { id: me, zone: office, kind: linux-host, access: { local: {} } }");
    let record = |file: &str| plant.run(&["record", "--asset", "me", "--check", CHECK, "-o", file]);
    let gone = record("not/there.yaml");
    assert_eq!(gone.code, 1);
    assert!(gone.err.contains("cannot write not/there.yaml") && gone.err.contains("mkdir -p not"), "{}", gone.err);
    std::fs::create_dir(plant.path("folder")).unwrap();
    let folder = record("folder");
    assert!(folder.code == 1 && folder.err.contains("that is a folder; name a file in it"), "{}", folder.err);
}
