//! Starts a throw-away server as a test does, says where it is, and ends without cleaning up: the child process
//! of the test that looks what remains.

use embedded_postgres::testing::TestServer;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), embedded_postgres::Error> {
    let server = TestServer::start().await?;
    println!("server {} {}", server.pid(), server.socket_dir().display());
    std::process::abort();
}
