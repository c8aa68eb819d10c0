//! A real server on a port, and clients that stay connected to it.

use std::{net::SocketAddr, time::Duration};

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use itkatalog::{
    clock::Clock,
    config::Config,
    http::connections::{Connections, Transport},
    server::Server,
};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};

use super::{TestApp, clock};

/// Longest wait for anything: only so that a test that fails ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that listens: another instance on the database of its test.
pub struct Running {
    pub address: SocketAddr,
    pub connections: std::sync::Arc<Connections>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), String>>,
}

impl TestApp {
    pub async fn run(&self) -> Running {
        self.run_with(clock(), |_| ()).await
    }

    pub async fn run_with(&self, clock: Clock, change: impl FnOnce(&mut Config)) -> Running {
        let mut config = self.config.clone();
        change(&mut config);
        let server = Server::build(config, clock, false).await.unwrap();
        let connections = server.connections().clone();
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(server.run(stopped, |address| tell.send(address).unwrap()));
        Running { address: told.await.unwrap(), connections, stop, task }
    }
}

impl Running {
    /// Stops it; true when everything ended in time.
    pub async fn stop(self) -> Result<(), String> {
        self.stop.send(()).unwrap();
        patiently(self.task).await.unwrap()
    }

    /// Opens a WebSocket with these headers on top.
    pub async fn connect(&self, headers: &[(&'static str, &str)]) -> Result<Socket, StatusCode> {
        match connect_to(&self.address.to_string(), headers).await {
            Ok(socket) => Ok(socket),
            Err(tungstenite::Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens a WebSocket without naming a protocol, or naming another.
    pub async fn connect_speaking(&self, protocol: Option<&str>) -> Socket {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let protocol = protocol.map(|name| format!("sec-websocket-protocol: {name}\r\n")).unwrap_or_default();
        let head = format!(
            "GET /graphql HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(patiently(stream.read_u8()).await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
        let stream = MaybeTlsStream::Plain(stream);
        Socket(WebSocketStream::from_raw_socket(stream, tungstenite::protocol::Role::Client, None).await)
    }

    /// A WebSocket that is initialised.
    pub async fn socket(&self, token: Option<&str>) -> Socket {
        let mut socket = self.connect(&[]).await.unwrap();
        socket.init(token).await;
        socket
    }

    /// A request for a stream of events.
    pub async fn events(&self, token: Option<&str>, query: &str, variables: Value) -> Events {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let mut request = axum::http::Request::post(format!("http://{}/graphql", self.address))
            .header("content-type", "application/json")
            .header("accept", "text/event-stream");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<axum::body::Bytes>>();
        let response = client.request(request.body(Full::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        Events { status: parts.status, headers: parts.headers, body, text: String::new() }
    }

    /// Waits until nobody is connected any more.
    pub async fn wait_until_left(&self) {
        self.wait_for(0).await;
    }

    /// Waits until so many connections stay.
    pub async fn wait_for(&self, count: u64) {
        let open = || self.connections.count(Transport::WebSocket) + self.connections.count(Transport::EventStream);
        let there = async {
            while open() != count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        patiently(there).await;
    }
}

async fn connect_to(address: &str, headers: &[(&'static str, &str)]) -> Result<Socket, tungstenite::Error> {
    let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    connect_async(request).await.map(|(socket, _)| Socket(socket))
}

async fn patiently<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("nothing came")
}

/// A client of `graphql-transport-ws`.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// A WebSocket that is initialised; nothing where the service goes away meanwhile.
    pub async fn open(address: &str, token: &str) -> Option<Self> {
        let mut socket = connect_to(address, &[]).await.ok()?;
        let is_sent = socket.try_send(init(Some(token))).await;
        let acknowledged = if is_sent { socket.read().await.ok()? } else { return None };
        assert_eq!(acknowledged, json!({ "type": "connection_ack" }));
        Some(socket)
    }

    /// Sends a message; whether it could be sent.
    pub async fn try_send(&mut self, message: Value) -> bool {
        self.0.send(Message::text(message.to_string())).await.is_ok()
    }

    pub async fn init(&mut self, token: Option<&str>) {
        self.send(init(token)).await;
        assert_eq!(self.next().await, json!({ "type": "connection_ack" }));
    }

    pub async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    pub async fn send_raw(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    pub async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        self.send(subscribe(id, query, variables)).await;
    }

    /// The next message; none when the connection has ended, with its code.
    pub async fn read(&mut self) -> Result<Value, u16> {
        loop {
            match patiently(self.0.next()).await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(0, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(0),
            }
        }
    }

    pub async fn next(&mut self) -> Value {
        self.read().await.unwrap_or_else(|code| panic!("closed with {code}"))
    }

    /// The code that the connection is closed with; what comes before is passed over.
    pub async fn code(&mut self) -> u16 {
        loop {
            if let Err(code) = self.read().await {
                return code;
            }
        }
    }

    /// The next change of a subscription.
    pub async fn change(&mut self, id: &str) -> Value {
        let message = self.next().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("next"), &json!(id)), "{message}");
        assert_eq!(message["payload"].get("errors"), None, "{message}");
        message["payload"]["data"]["changes"].clone()
    }
}

fn init(token: Option<&str>) -> Value {
    let payload = token.map(|token| json!({ "authorization": format!("Bearer {token}") }));
    json!({ "type": "connection_init", "payload": payload })
}

/// The message that starts an operation.
pub fn subscribe(id: &str, query: &str, variables: Value) -> Value {
    json!({ "id": id, "type": "subscribe", "payload": { "query": query, "variables": variables } })
}

/// A client of graphql-sse.
pub struct Events {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: hyper::body::Incoming,
    text: String,
}

impl Events {
    /// The next event and its data; none at the end. Comments come as events without a name.
    pub async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
                let found = (field("event:").trim().to_owned(), field("data:").trim().to_owned());
                self.text = rest.to_owned();
                return Some(found);
            }
            match patiently(self.body.frame()).await {
                Some(Ok(frame)) => self.text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap()),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next result; comments are passed over.
    pub async fn result(&mut self) -> Value {
        loop {
            let (event, data) = self.next().await.expect("the stream has ended");
            if !event.is_empty() {
                assert_eq!(event, "next");
                return serde_json::from_str(&data).unwrap();
            }
        }
    }

    /// What comes after all results: an event `complete`, or nothing.
    pub async fn last(&mut self) -> Option<String> {
        while let Some((event, _)) = self.next().await {
            if event == "complete" {
                return Some(event);
            }
        }
        None
    }

    pub async fn text(self) -> String {
        String::from_utf8(self.body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }
}
