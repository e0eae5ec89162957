//! Hosts over SSH: who gets in, what they answer, and what becomes of those that do not.

use crate::support::{Device, Manner, PASSWORD, Plant, SshHost, is_root};

const CHECK: &str = "ssh-root-login";
/// Root by key is what the tests log in with.
const PARAMS: &str = "params: { ssh-root-login: { allow_key_root: true } }\n";
/// What passes [`CHECK`] under [`PARAMS`].
const GOOD: &str = "PermitRootLogin prohibit-password";

fn plant(credentials: &str, assets: &str) -> Plant {
    Plant::new(&format!("{PARAMS}credentials:\n{credentials}"), assets)
}

/// A host named `web-1` that whoever runs the tests logs in to.
fn plant_of(host: &SshHost, access: &str) -> Plant {
    plant(&host.credential("key", &SshHost::user()), &host.asset("web-1", "key", access))
}

/// The state of [`CHECK`] on `web-1`, and the reason.
fn judged(plant: &Plant) -> (String, String) {
    let ran = plant.check(&["--check", CHECK]);
    (ran.state("web-1", CHECK), ran.reason("web-1", CHECK))
}

#[test]
fn a_verdict_follows_the_configuration_of_the_host() {
    let host = SshHost::openssh(GOOD);
    let plant = plant_of(&host, &format!(", host_key: \"{}\"", host.fingerprint()));
    assert_eq!(judged(&plant).0, "pass");
    host.configure("PermitRootLogin yes");
    let (state, reason) = judged(&plant);
    assert_eq!((state.as_str(), reason.as_str()), ("fail", "root may log in with a password (PermitRootLogin yes)"));
    host.configure("PermitRootLogin no\nMatch Address 10.0.0.0/8\n  PermitRootLogin yes\nMatch all\n");
    let settings = "PermitRootLogin prohibit-password\nMatch Address 10.0.0.0/8\n  PermitRootLogin yes\nMatch all\n";
    host.configure(settings);
    let (state, reason) = judged(&plant);
    assert_eq!(state, "unknown no_data", "{reason}");
    assert!(reason.contains("Match blocks about addresses"), "{reason}");
}

#[test]
fn a_second_server_on_the_same_machine_is_judged_by_its_own_file() {
    if !is_root() {
        println!("skipped: only root's servers are asked which file they read");
        return;
    }
    let host = SshHost::openssh(GOOD);
    let (good, bad) = (host.second("good_config", GOOD), host.second("bad_config", "PermitRootLogin yes"));
    let asset = |id: &str, port: u16| {
        format!(
            "- {{ id: {id}, address: 127.0.0.1, zone: office, kind: linux-host, access: {{ ssh: {{ credential: key, \
             port: {port}, host_key: \"{}\" }} }} }}\n",
            host.fingerprint()
        )
    };
    let plant = plant(&host.credential("key", "root"), &[asset("good", good.1), asset("bad", bad.1)].concat());
    let ran = plant.check(&["--check", CHECK]);
    assert_eq!(ran.state("good", CHECK), "pass", "{}", ran.reason("good", CHECK));
    assert_eq!(ran.state("bad", CHECK), "fail", "{}", ran.reason("bad", CHECK));
}

#[test]
fn a_host_that_is_not_there_is_told_apart_from_one_that_does_not_answer() {
    let dead = {
        let device = Device::start(Manner::Silent);
        device.port
    };
    let silent = Device::start(Manner::Silent);
    let telnet = Device::start(Manner::Says("Welcome to FooOS 5\r\nlogin: "));
    let host = SshHost::openssh(GOOD);
    let asset = |id: &str, address: &str, port: u16| {
        format!(
            "- {{ id: {id}, address: \"{address}\", zone: office, kind: linux-host, access: {{ ssh: {{ credential: key, \
             port: {port}, timeouts: {{ handshake: 1s }} }} }} }}\n"
        )
    };
    let assets = [
        asset("dead", "127.0.0.1", dead),
        asset("silent", "127.0.0.1", silent.port),
        asset("telnet", "127.0.0.1", telnet.port),
        // link-local without an interface: no packet leaves this machine
        asset("nowhere", "fe80::1", 22),
    ];
    let plant = plant(&host.credential("key", "root"), &assets.concat());
    let ran = plant.check(&["--check", CHECK]);
    assert_eq!(ran.code, 101);
    for (id, state) in [
        ("dead", "unknown refused"),
        ("silent", "unknown timeout"),
        ("telnet", "unknown protocol"),
        ("nowhere", "unknown unreachable"),
    ] {
        assert_eq!(ran.state(id, CHECK), state, "{}", ran.reason(id, CHECK));
    }
    assert!(ran.reason("telnet", CHECK).contains("Welcome to FooOS 5"), "{}", ran.reason("telnet", CHECK));
}

#[test]
fn a_stranger_is_not_let_in_and_says_so() {
    let (host, other) = (SshHost::openssh(GOOD), SshHost::openssh(GOOD));
    let credentials = [
        other.credential("wrong-key", &SshHost::user()),
        "  password: { ssh: { user: nobody, password: { file: password } } }\n".to_owned(),
    ];
    let assets = [host.asset("key", "wrong-key", ""), host.asset("password", "password", "")];
    let plant = plant(&credentials.concat(), &assets.concat());
    plant.secret("password", "hunter2");
    let ran = plant.check(&["--check", CHECK]);
    for id in ["key", "password"] {
        assert_eq!(ran.state(id, CHECK), "unknown auth", "{}", ran.reason(id, CHECK));
    }
    assert!(ran.reason("password", CHECK).contains("takes no password"), "{}", ran.reason("password", CHECK));
    assert!(!ran.out.contains("hunter2"));
}

#[test]
fn a_wrong_password_is_no_login_and_the_right_one_is() {
    if !is_root() {
        return;
    }
    let host = SshHost::openssh(&format!("{GOOD}\nPasswordAuthentication yes"));
    let credential = |name: &str| format!("  {name}: {{ ssh: {{ user: watcher, password: {{ file: {name} }} }} }}\n");
    let access = ", privilege: sudo";
    let assets = [host.asset("right", "right", access), host.asset("wrong", "wrong", access)];
    let plant = plant(&[credential("right"), credential("wrong")].concat(), &assets.concat());
    plant.secret("right", PASSWORD);
    plant.secret("wrong", "wrong-donkey");
    let ran = plant.check(&["--check", CHECK]);
    assert_eq!(ran.state("right", CHECK), "pass", "{}", ran.reason("right", CHECK));
    assert_eq!(ran.state("wrong", CHECK), "unknown auth", "{}", ran.reason("wrong", CHECK));
    assert!(![&ran.out, &ran.err].iter().any(|text| text.contains(PASSWORD) || text.contains("wrong-donkey")));
}

#[test]
fn a_changed_host_key_gets_no_login_whether_it_was_pinned_or_learnt() {
    let host = SshHost::openssh(GOOD);
    let pinned = format!(", host_key: \"{}\"", host.fingerprint());
    let assets = [host.asset("pinned", "key", &pinned), host.asset("learnt", "key", ", host_key: learn")];
    let plant = plant(&host.credential("key", &SshHost::user()), &assets.concat());
    let before = host.fingerprint();
    for _ in 0..2 {
        let ran = plant.check(&["--check", CHECK]);
        assert_eq!(["pinned", "learnt"].map(|id| ran.state(id, CHECK)), ["pass", "pass"], "{}", ran.err);
    }
    host.change_host_key();
    let ran = plant.check(&["--check", CHECK]);
    for id in ["pinned", "learnt"] {
        let reason = ran.reason(id, CHECK);
        assert_eq!(ran.state(id, CHECK), "unknown host_key", "{reason}");
        assert!(reason.contains(&before) && reason.contains(&host.fingerprint()), "{reason}");
    }
}

#[test]
fn an_account_without_rights_learns_which_right_is_missing() {
    if !is_root() {
        return;
    }
    let host = SshHost::openssh(GOOD);
    let credentials = [host.credential("watcher", "watcher"), host.credential("guest", "guest")];
    let assets = [
        host.asset("allowed", "watcher", ", privilege: sudo"),
        host.asset("refused", "guest", ", privilege: sudo"),
        host.asset("unasked", "watcher", ""),
    ];
    let plant = plant(&credentials.concat(), &assets.concat());
    let ran = plant.check(&["--check", CHECK]);
    assert_eq!(ran.state("allowed", CHECK), "pass", "{}", ran.reason("allowed", CHECK));
    for (id, advice) in [("refused", "catalog handout sudoers --account guest"), ("unasked", "set `privilege: sudo`")] {
        let reason = ran.reason(id, CHECK);
        assert_eq!(ran.state(id, CHECK), "unknown privilege", "{reason}");
        assert!(reason.contains(advice), "{reason}");
    }
}

#[test]
fn a_shell_that_misbehaves_is_never_a_good_answer() {
    // what the shell does in place of the questions, and what must be said of it
    let cases = [
        ("echo Welcome to FooOS 5", "protocol"),
        ("sh -s | head -c 300", "protocol"),
        ("sh -s | head -c 300; exit 0", "protocol"),
        ("kill -9 $$", "protocol"),
        ("cat", "protocol"),
        ("exit 0", "protocol"),
        ("yes answer", "protocol"),
        ("sleep 60", "timeout"),
    ];
    let hosts = cases.map(|(command, _)| SshHost::openssh(&format!("{GOOD}\nForceCommand {command}")));
    let mut settings = [String::new(), String::new()];
    for (at, host) in hosts.iter().enumerate() {
        settings[0] += &host.credential(&format!("key-{at}"), &SshHost::user());
        let access = ", timeouts: { exec: 2s, whole: 6s }";
        settings[1] += &host.asset(&format!("web-{at}"), &format!("key-{at}"), access);
    }
    let ran = plant(&settings[0], &settings[1]).check(&["--check", CHECK]);
    for (at, (command, cause)) in cases.iter().enumerate() {
        let id = format!("web-{at}");
        let reason = ran.reason(&id, CHECK);
        assert_eq!(ran.state(&id, CHECK), format!("unknown {cause}"), "{command}: {reason}");
        assert!(reason.chars().count() < 2_000 && !reason.contains('\n'), "{command}: {reason}");
    }
}

#[test]
fn noise_before_the_answers_changes_no_verdict() {
    if !is_root() {
        return;
    }
    let host = SshHost::openssh(GOOD);
    let plant = plant_of(&host, "");
    let noise = "echo PermitRootLogin no; head -c 5000 /dev/urandom; head -c 5000 /dev/urandom >&2; exec sh -s";
    for (settings, state) in [(GOOD, "pass"), ("PermitRootLogin yes", "fail")] {
        host.configure(&format!("{settings}\nForceCommand {noise}"));
        let (found, reason) = judged(&plant);
        assert_eq!(found, state, "{reason}");
    }
}

#[test]
fn only_a_whole_answer_with_status_zero_counts() {
    let host = SshHost::openssh(GOOD);
    let plant = plant_of(&host, "");
    let cases = [
        ("good", "echo answer yes", "pass"),
        ("silent", "true", "unknown no_data"),
        ("failing", "echo answer yes; exit 1", "unknown no_data"),
        ("missing", "no-such-program", "unknown no_data"),
        ("long", "yes answer yes | head -c 100000", "unknown parse"),
        ("garbled", "printf \\377answer\\0yes\\n\\200\\n", "unknown no_data"),
        ("killed", "echo answer yes; kill -9 $$", "unknown protocol"),
    ];
    for (name, command, _) in cases {
        let fact = format!(
            "id: e2e.{name}\ntitle: An answer\nopen: true\nask: {{ ssh: {{ run: '{command}', max_bytes: 1000 }} }}\n\
             read: {{ key_values: {{ separator: \" \", repeated: first }} }}\nbudget: {{ questions: 1, connections: 0, bytes: 1000 }}\n"
        );
        plant.write(&format!("mine/facts/e2e/{name}.yaml"), &fact);
        let check = format!(
            "id: e2e-{name}\ntitle: The answer is yes\nversion: 1\nseverity: low\nimpact: low\ncontrols: [CFG-02]\n\
             applies_to: {{ kind: [linux-host] }}\nneeds: [e2e.{name}]\nassert:\n  - {{ fact: e2e.{name}.answer, equals: \"yes\" }}\n\
             fix: Answer yes.\nrationale: A test.\nproves: Nothing.\nschedule: posture\n"
        );
        plant.write(&format!("mine/e2e/e2e-{name}.yaml"), &check);
    }
    plant
        .write("mine/e2e/pack.yaml", "id: e2e\ntitle: Answers\nsummary: Answers that count and answers that do not.\n");
    let settings = format!(
        "inventory: [assets.yaml]\ncatalog: {{ extra: [mine] }}\ncredentials:\n{}",
        host.credential("key", &SshHost::user())
    );
    plant.configure(&settings);
    for (name, command, state) in cases {
        let check = format!("e2e-{name}");
        let ran = plant.check(&["--check", &check]);
        assert_eq!(ran.state("web-1", &check), state, "{command}: {}", ran.reason("web-1", &check));
    }
}

#[test]
fn the_same_host_says_the_same_through_openssh_dropbear_and_a_jump_host() {
    if !is_root() {
        return;
    }
    let (openssh, dropbear) = (SshHost::openssh(GOOD), SshHost::dropbear());
    let credentials = [openssh.credential("key", "root"), dropbear.credential("other-key", "root")];
    let assets = [
        openssh.asset("direct", "key", ""),
        openssh.asset("behind", "key", ", jump: [direct]"),
        dropbear.asset("dropbear", "other-key", ""),
    ];
    let plant = plant(&credentials.concat(), &assets.concat());
    let facts = ["os_release", "login_defs", "accounts", "reboot"];
    let wanted: Vec<String> = facts.iter().flat_map(|fact| ["--fact".to_owned(), format!("linux.{fact}")]).collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let said = ["direct", "behind", "dropbear"].map(|id| plant.facts(id, &wanted));
    for answer in &said {
        assert_eq!(answer["causes"], serde_json::json!({}), "{answer}");
        assert_eq!(answer["facts"], said[0]["facts"]);
        assert!(facts.iter().all(|fact| !answer["facts"]["linux"][fact].is_null()), "{answer}");
    }
    let ran = plant.check(&["--check", CHECK]);
    for id in ["direct", "behind"] {
        assert_eq!(ran.state(id, CHECK), "pass", "{id}: {}", ran.reason(id, CHECK));
    }
    // OpenSSH is well configured there, and lets nobody in
    assert_eq!(ran.state("dropbear", CHECK), "unknown no_data", "{}", ran.reason("dropbear", CHECK));
    assert!(ran.reason("dropbear", CHECK).contains("dropbear, not OpenSSH"), "{}", ran.reason("dropbear", CHECK));
}
