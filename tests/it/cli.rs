//! The program itself, as operators start it.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::support::program::{command, run, serve, text};

fn request(stream: &mut TcpStream) -> std::io::Result<()> {
    let body = "{\"query\":\"{ currentPhase { key } }\"}";
    write!(
        stream,
        "POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn one_command_serves_sample_data_and_stops_when_asked() {
    let folder = TempDir::new().unwrap();
    let (mut child, address) = serve(folder.path());
    let mut stream = TcpStream::connect(&address).unwrap();
    request(&mut stream).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK")
            && answer.ends_with("{\"data\":{\"currentPhase\":{\"key\":\"FOUNDATION\"}}}"),
        "{answer}"
    );
    let health = command(folder.path()).args(["health"]).env("ITKATALOG_LISTEN", &address).output().unwrap();
    assert!(health.status.success(), "{}", text(&health.stderr));

    // A request that is half sent when the stop comes may still finish.
    let mut running = TcpStream::connect(&address).unwrap();
    let body = "{\"query\":\"{ currentPhase { key } }\"}";
    write!(running, "POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status().unwrap().success());
    std::thread::sleep(std::time::Duration::from_millis(300));
    running.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    running.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(child.wait().unwrap().success());
    let mut left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(
        left,
        ["itkatalog-demo-key.pem", "itkatalog-demo-webhook-key", "itkatalog.db"],
        "SQLite leaves one whole file behind"
    );

    let health = command(folder.path()).args(["health"]).env("ITKATALOG_LISTEN", &address).output().unwrap();
    assert!(!health.status.success());
    assert!(text(&health.stderr).contains("no instance answers"), "{}", text(&health.stderr));
}

#[test]
fn seed_reports_what_it_loaded_and_the_second_time_nothing() {
    let folder = TempDir::new().unwrap();
    let first = text(&run(folder.path(), &["seed", "--demo"]).stdout);
    assert!(first.contains("427 municipalities") && first.contains("5240 product_subscriptions"), "{first}");
    assert!(text(&run(folder.path(), &["seed", "--demo"]).stdout).contains("Nothing to load"));
    let status = text(&run(folder.path(), &["migrate", "status"]).stdout);
    assert!(status.lines().all(|line| line.starts_with("applied ")), "{status}");
    assert!(text(&run(folder.path(), &["migrate", "down", "1"]).stdout).contains("pending"));
    assert!(!text(&run(folder.path(), &["migrate", "up"]).stdout).contains("pending"));
}

#[test]
fn what_reads_or_tidies_up_makes_no_new_database() {
    let folder = TempDir::new().unwrap();
    for arguments in [&["audit", "verify"][..], &["audit", "head"], &["tick"]] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(text(&output.stderr).contains("itkatalog.db"), "{}", text(&output.stderr));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_schema_is_printed_without_a_database() {
    let folder = TempDir::new().unwrap();
    assert_eq!(text(&run(folder.path(), &["schema"]).stdout), include_str!("../../schema.graphql"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn wrong_settings_stop_the_program_and_are_named() {
    let folder = TempDir::new().unwrap();
    let failed = |output: Output, expected: &str| {
        assert_eq!(output.status.code(), Some(1));
        let message = text(&output.stderr);
        assert!(message.contains(expected), "{message}");
    };
    failed(command(folder.path()).args(["seed"]).env("ITKATALOG_COLOUR", "red").output().unwrap(), "colour");
    failed(run(folder.path(), &["serve", "--listen", "nowhere"]), "\"nowhere\" is no address and port");
    failed(run(folder.path(), &["serve", "--database-url", "sqlite:///no/such/folder/x.db"]), "can be written to");
    failed(run(folder.path(), &["serve", "--demo", "--listen", "0.0.0.0:0"]), "loopback");
    failed(run(folder.path(), &["serve", "--database-url", "postgres://u:secret@127.0.0.1:1/x"]), "127.0.0.1:1");
    failed(command(folder.path()).args(["seed"]).env("ITKATALOG_LOG", "a=b=c").output().unwrap(), "log");
    std::fs::write(folder.path().join("itkatalog.toml"), "[limits]\ndeapth = 3\n").unwrap();
    failed(run(folder.path(), &["seed"]), "deapth");
}

#[test]
fn the_help_lists_every_setting() {
    let folder = TempDir::new().unwrap();
    let help = text(&run(folder.path(), &["serve", "--help"]).stdout);
    for setting in ["listen =", "database_url =", "refresh_interval_ms =", "cost ="] {
        assert!(help.contains(setting), "{setting}");
    }
}

#[test]
fn a_token_is_signed_with_the_demo_key_and_refused_without_one() {
    let folder = TempDir::new().unwrap();
    let refused = run(folder.path(), &["token", "--role", "steward"]);
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("serve --demo` creates it"), "{}", text(&refused.stderr));
    let (mut child, address) = serve(folder.path());
    let unknown = run(folder.path(), &["token", "--role", "king"]);
    assert!(
        text(&unknown.stderr).contains("Roles: municipality, provider, account_manager"),
        "{}",
        text(&unknown.stderr)
    );
    let token =
        run(folder.path(), &["token", "--role", "municipality", "--municipality", "05334002", "--subject", "anna"]);
    let token = text(&token.stdout);
    let mut stream = TcpStream::connect(&address).unwrap();
    let body = "{\"query\":\"{ viewer { subject municipality { name } } }\"}";
    write!(
        stream,
        "POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
        token.trim(),
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.ends_with("{\"data\":{\"viewer\":{\"subject\":\"anna\",\"municipality\":{\"name\":\"Aachen\"}}}}"),
        "{answer}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = std::fs::metadata(folder.path().join("itkatalog-demo-key.pem")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }
    let verified = run(folder.path(), &["audit", "verify"]);
    assert!(text(&verified.stdout).contains("The audit trail holds"), "{}", text(&verified.stdout));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_rules_can_be_printed_and_checked() {
    let folder = TempDir::new().unwrap();
    let matrix = run(folder.path(), &["policy", "matrix"]);
    assert_eq!(text(&matrix.stdout), include_str!("../../policies/decision_table.md"));
    let checked = text(&run(folder.path(), &["policy", "check"]).stdout);
    let cells = 2 * 2288 + 44 * <itkatalog::access::Duty as strum::VariantArray>::VARIANTS.len();
    assert!(checked.contains(&format!("{cells} cells")) && checked.contains("\nFingerprint: "), "{checked}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_of_broken_rules_stops_every_command_that_would_follow_them() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    std::fs::write(folder.path().join("rules/take.cedar"), "// Taking.\n\nallow (principal, action, resource);\n")
        .unwrap();
    let stopped = |output: Output| {
        assert_eq!(output.status.code(), Some(1));
        let message = text(&output.stderr);
        assert!(message.contains("the policies in rules do not hold:\n  take.cedar:3: "), "{message}");
    };
    for arguments in [&["serve"][..], &["seed"], &["tick"], &["policy", "check"], &["policy", "matrix"]] {
        stopped(command(folder.path()).args(arguments).env("ITKATALOG_POLICIES", "rules").output().unwrap());
    }
    stopped(run(folder.path(), &["policy", "check", "--policies", "rules"]));
    std::fs::write(folder.path().join("itkatalog.toml"), "policies = 'rules'\n").unwrap();
    stopped(run(folder.path(), &["serve"]));
    assert!(!folder.path().join("itkatalog.db").exists(), "nothing is begun");
}

/// What `policy explain` says to a case; the exit must be 0.
fn explained(case: &str, more: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    let arguments: Vec<&str> =
        ["policy", "explain"].into_iter().chain(case.split(' ')).chain(more.iter().copied()).collect();
    let output = run(folder.path(), &arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn a_decision_is_explained_in_the_language_of_the_terminal() {
    let request = "--action REQUEST_SUBSCRIPTION --role municipality --own --phase FOUNDATION --product INITIAL";
    let said = explained(request, &[]);
    assert!(said.starts_with("Allowed, once agreed to by: ACCOUNT_MANAGER or STEWARD.\n\nRule    own-municipality-requests-initial-portfolio\n        A municipality can request"), "{said}");
    assert!(said.contains("\nSource  S1, Transformationsroadmap"), "{said}");
    let said = explained(request, &["--language", "de"]);
    assert!(
        said.starts_with(
            "Erlaubt, sobald zustimmt: ACCOUNT_MANAGER oder STEWARD.\n\nRegel   own-municipality-requests"
        ),
        "{said}"
    );
    let folder = TempDir::new().unwrap();
    let mut german = command(folder.path());
    german.args(["policy", "explain"]).args(request.split(' ')).arg("--frozen").env("LANG", "de_DE.UTF-8");
    let said = text(&german.output().unwrap().stdout);
    assert!(
        said.starts_with("Abgelehnt.\n\nRegel   frozen\n")
            && said.contains("\n* Nach dem Ende der Sperre wäre es erlaubt."),
        "{said}"
    );
}

#[test]
fn a_decision_is_explained_with_its_facts() {
    let allowed = |case: &str| {
        let said: serde_json::Value = serde_json::from_str(&explained(case, &["--json"])).unwrap();
        (said["allowed"].as_bool().unwrap(), said["rule"]["id"].as_str().unwrap().to_owned(), said["waysOut"].clone())
    };
    let ends = "--action terminate_subscription --role provider --own --phase foundation --product standard";
    assert_eq!(allowed(ends).1, "no-rule-permits");
    assert_eq!(allowed(&format!("{ends} --reported")).1, "own-provider-ends-reported-contract");
    assert_eq!(allowed(&format!("{ends} --phase-out")).1, "own-provider-ends-phased-out-product");
    let approves = "--action APPROVE_SUBSCRIPTION --role STEWARD --phase INTEGRATION --product NOT_JOINED";
    assert!(!allowed(approves).0);
    assert_eq!(
        allowed(&format!("{approves} --from-earlier-phase")).1,
        "steward-approves-what-an-earlier-phase-left-open"
    );
    assert!(!allowed(&format!("{approves} --from-earlier-phase --matter REVOCATION")).0);
    assert_eq!(allowed(&format!("{approves} --asked")).1, "two-people");
    assert_eq!(
        allowed("--action WITHDRAW_SUBSCRIPTION --role LAND --phase INTEGRATION --product OTHER --asked").1,
        "asker-withdraws"
    );
    assert_eq!(
        allowed("--action FREEZE --role TRANSFORMATION_OFFICE --phase PREPARATION").1,
        "transformation-office-freezes"
    );
    let (is_allowed, rule, ways_out) = allowed("--action REHEARSE_PHASE_CHANGE --role LAND --phase PREPARATION");
    assert_eq!((is_allowed, rule.as_str()), (false, "no-rule-permits"));
    let who: Vec<_> = ways_out.as_array().unwrap().iter().map(|way| way["to"].as_str().unwrap()).collect();
    assert_eq!(who, ["STEWARD", "TRANSFORMATION_OFFICE", "AUDITOR"]);
    assert_eq!(allowed("--action REQUEST_SUBSCRIPTION --phase FOUNDATION --product INITIAL").1, "no-rule-permits");
}

#[test]
fn a_question_with_wrong_words_lists_what_is_possible() {
    let folder = TempDir::new().unwrap();
    let refused = |case: &str, told: &str| {
        let arguments: Vec<&str> = ["policy", "explain"].into_iter().chain(case.split(' ')).collect();
        let output = run(folder.path(), &arguments);
        assert!(!output.status.success());
        let message = text(&output.stderr);
        assert!(message.contains(told), "{message}");
    };
    let request = "--action REQUEST_SUBSCRIPTION --role municipality --phase FOUNDATION";
    refused("--action TAKE --phase FOUNDATION", "[possible values: DECLARE_INTEREST,");
    refused(&format!("{request} --product NEW"), "[possible values: NOT_JOINED, INITIAL, STANDARD, OTHER]");
    refused(request, "--product is missing");
    refused(&format!("{request} --product INITIAL --reported"), "there is none yet");
    refused("--action CHANGE_SUBSCRIPTION --phase FOUNDATION --product INITIAL --matter CHANGE", "nothing is open");
    refused(
        "--action APPROVE_SUBSCRIPTION --phase PREPARATION --product INITIAL --from-earlier-phase",
        "no phase before",
    );
    refused("--action FREEZE --phase FOUNDATION --product INITIAL", "about no product");
}

#[test]
fn a_head_is_one_word_that_proves_the_trail_also_after_its_events_were_archived() {
    let folder = TempDir::new().unwrap();
    let audit = |arguments: &[&str]| run(folder.path(), &[&["audit"], arguments].concat());
    let refused = |output: Output, expected: &str| {
        assert!(!output.status.success());
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    };
    refused(audit(&["verify"]), "can't be reached");
    run(folder.path(), &["seed", "--demo"]);
    let head = text(&audit(&["head"]).stdout);
    let head = head.trim_end();
    assert!(head.starts_with("2:") && head.len() == 66, "{head}");
    assert_eq!(text(&audit(&["verify", "--head", head]).stdout), "The audit trail holds: 2 events.\n");
    refused(audit(&["verify", "--head", &head.replace(':', " ")]), "expected SEQUENCE:HASH");
    refused(audit(&["verify", "--head", &head.replace("2:", "3:")]), "breaks at event 3");

    let nothing = audit(&["archive", "--before", "2020-01-01", "--to", "old.jsonl"]);
    assert!(nothing.status.success() && text(&nothing.stdout).contains("Nothing to archive"));
    assert!(!folder.path().join("old.jsonl").exists());
    let archive = ["archive", "--before", "2100-01-01", "--to", "old.jsonl"];
    assert!(text(&audit(&archive).stdout).contains("2 events up to event 2"));
    refused(audit(&archive), "old.jsonl exists already");
    assert!(text(&audit(&["verify"]).stdout).contains("holds from event 3 to event 3"));
    let whole = audit(&["verify", "--head", head, "--archive", "old.jsonl"]);
    assert_eq!(text(&whole.stdout), "The audit trail holds: 3 events.\n");
}
