//! The program `itkatalog`.

use clap::Parser;
use itkatalog::cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match cli::run(cli::Arguments::parse()).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(message) => {
            #[allow(clippy::print_stderr)]
            {
                eprintln!("itkatalog: {message}");
            }
            std::process::ExitCode::FAILURE
        }
    }
}
