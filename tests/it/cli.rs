//! The program itself, as operators start it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_itkatalog"));
    command.current_dir(folder).env_clear().env("PATH", std::env::var("PATH").unwrap_or_default());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Starts `serve --demo` on a free port and waits until it listens.
fn serve(folder: &Path) -> (Child, String) {
    let mut child =
        command(folder).args(["serve", "--demo", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("listening on") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "the service ended before it listened");
        assert!(
            serde_json::from_str::<serde_json::Value>(&line).is_ok(),
            "a log line is JSON when nobody watches: {line}"
        );
    }
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    // The rest of the log must be read, or the service would wait for a reader one day.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    (child, address)
}

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
    assert_eq!(left, ["itkatalog-demo-key.pem", "itkatalog.db"], "SQLite leaves one whole file behind");

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
    assert!(text(&run(folder.path(), &["policy", "check"]).stdout).contains("2288 cells"));
}

#[test]
fn a_head_is_one_word_that_proves_the_trail_also_after_its_events_were_archived() {
    let folder = TempDir::new().unwrap();
    let audit = |arguments: &[&str]| run(folder.path(), &[&["audit"], arguments].concat());
    let refused = |output: Output, expected: &str| {
        assert!(!output.status.success());
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    };
    refused(audit(&["verify"]), "itkatalog migrate status");
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
