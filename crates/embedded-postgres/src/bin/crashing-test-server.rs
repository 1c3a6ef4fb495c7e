//! Starts a test server, prints where it is, and aborts without cleaning up: the child process of the test that
//! checks what remains.

use embedded_postgres::testing::TestServer;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), embedded_postgres::Error> {
    let server = TestServer::start().await?;
    println!("server {} {}", server.pid(), server.socket_dir().display());
    std::process::abort();
}
