//! A PostgreSQL for the tests of this process: `TEST_POSTGRES_URL`, or one started here from the installed programs.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

/// Starts a server in an empty folder, and stops it when the other end of its input is closed: then the tests are over,
/// however they ended. PostgreSQL refuses to run as root, so root runs this as `postgres` or `nobody`.
const SCRIPT: &str = r#"
set -eu
for bin in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V); do PATH="$bin:$PATH"; done
command -v initdb >/dev/null || { echo "initdb not found: install PostgreSQL's server programs or set TEST_POSTGRES_URL"; exit 0; }
dir=$(mktemp -d "${TMPDIR:-/tmp}/itkatalog-postgres.XXXXXX")
cd "$dir"
initdb -D "$dir/data" -U postgres -A trust --no-sync --encoding=UTF8 --locale=C.UTF-8 >"$dir/log" 2>&1
postgres -D "$dir/data" -k "$dir" -p "$1" -c listen_addresses=127.0.0.1 -c max_connections=200 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off >>"$dir/log" 2>&1 &
server=$!
state="postgres did not answer within 30 s"
for attempt in $(seq 300); do
    if pg_isready -q -h 127.0.0.1 -p "$1"; then state=ready; break; fi
    kill -0 "$server" 2>/dev/null || { state="postgres did not start: $(tail -n 5 "$dir/log" | tr '\n' ' ')"; break; }
    sleep 0.1
done
echo "$state"
cat >/dev/null
kill -INT "$server" 2>/dev/null || true
wait "$server" || true
cd /
rm -rf "$dir"
"#;

struct Cluster {
    url: String,
    // Its input stays open as long as this process lives.
    _watch: Option<Child>,
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

/// The address of a database where others can be created, without the database's name.
pub fn server_url() -> &'static str {
    &CLUSTER.get_or_init(start).url
}

fn start() -> Cluster {
    if let Ok(url) = std::env::var("TEST_POSTGRES_URL") {
        return Cluster { url: url.trim_end_matches('/').to_owned(), _watch: None };
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    let user = ["postgres", "nobody"]
        .into_iter()
        .find(|user| Command::new("id").arg(user).output().is_ok_and(|output| output.status.success()));
    let mut command = match (is_root, user) {
        (true, Some(user)) => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--", "sh", "-c"]);
            command
        }
        _ => {
            let mut command = Command::new("sh");
            command.arg("-c");
            command
        }
    };
    command.args([SCRIPT, "sh", &port]).stdin(Stdio::piped()).stdout(Stdio::piped()).current_dir("/");
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "ready", "PostgreSQL for the tests");
    Cluster { url: format!("postgres://postgres@127.0.0.1:{port}"), _watch: Some(child) }
}
