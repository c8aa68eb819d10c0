//! The program `itkatalog`.

#![recursion_limit = "256"]

use clap::Parser;
use itkatalog::cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let arguments = match cli::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help is no failure. 2 is taken: rows of a portfolio are rejected.
            let is_shown = error.print().is_ok() && !error.use_stderr();
            return if is_shown { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE };
        }
    };
    match cli::run(arguments).await {
        Ok(code) => code,
        Err(message) => {
            #[allow(clippy::print_stderr)]
            {
                eprintln!("itkatalog: {message}");
            }
            std::process::ExitCode::FAILURE
        }
    }
}
