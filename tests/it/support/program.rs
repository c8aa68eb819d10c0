//! The program itself, as operators start it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

/// The program in a folder of its own, with nothing of this process's environment.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_itkatalog"));
    command.current_dir(folder).env_clear().env("PATH", std::env::var("PATH").unwrap_or_default());
    command
}

pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder).args(arguments).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Starts `serve --demo` on a free port and waits until it listens.
pub fn serve(folder: &Path) -> (Child, String) {
    serve_as(command(folder))
}

/// The same, with what the command has been given already.
pub fn serve_as(mut command: Command) -> (Child, String) {
    let mut child =
        command.args(["serve", "--demo", "--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).spawn().unwrap();
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
