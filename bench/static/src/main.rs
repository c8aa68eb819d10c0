//! Answers every request with the bytes of a file: `itkatalog-bench-static ADDRESS FILE`.

use std::{env, fs, io};

use axum::{Router, body::Bytes, http::header::CONTENT_TYPE, routing::get};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let (Some(address), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: itkatalog-bench-static ADDRESS FILE"));
    };
    let bytes = Bytes::from(fs::read(file)?);
    // The body of a request is read, as a service would.
    let answer = move |_: Bytes| {
        let bytes = bytes.clone();
        async move { ([(CONTENT_TYPE, "application/json; charset=utf-8")], bytes) }
    };
    let routes = Router::new().route("/", get(|| async { "" })).route("/graphql", get(answer.clone()).post(answer));
    axum::serve(tokio::net::TcpListener::bind(address).await?, routes).await
}
