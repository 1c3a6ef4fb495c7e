//! A server that knows TLS 1.1 alone is refused, before anything is said to it.

use crate::support::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A TLS record: its kind and what it holds.
async fn record(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    stream.read_exact(&mut head).await.ok()?;
    let mut content = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    stream.read_exact(&mut content).await.ok()?;
    Some((head[0], content))
}

/// The answer of a server whose newest version is this one: TLS 1.1 is 0x0302.
fn hello(version: [u8; 2]) -> Vec<u8> {
    let mut hello = version.to_vec();
    hello.extend([7; 32]);
    // No session, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, no compression.
    hello.extend([0, 0xc0, 0x13, 0]);
    let mut handshake = vec![2, 0, 0, hello.len() as u8];
    handshake.extend(&hello);
    let mut record = vec![22, version[0], version[1], 0, handshake.len() as u8];
    record.extend(&handshake);
    record
}

#[tokio::test]
async fn a_server_of_an_older_version_than_tls_1_2_is_refused() {
    const HANDSHAKE: u8 = 22;
    const ALERT: u8 = 21;
    const PROTOCOL_VERSION: u8 = 70;
    for version in [[3, 2], [3, 1], [3, 0]] {
        let mut world = World::new().await;
        world.run(&["migrate"]).await.success();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        world.set("GAZELLE_API_URL", &format!("https://{}/graphql", listener.local_addr().unwrap()));
        let server = tokio::spawn(async move {
            let mut seen = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let Some((HANDSHAKE, offered)) = record(&mut stream).await else { continue };
                // The versions that are offered: 1.3 and 1.2, nothing else.
                let versions = [0, 0x2b, 0, 5, 4, 3, 4, 3, 3];
                assert!(offered.windows(versions.len()).any(|part| part == versions), "{offered:02x?}");
                stream.write_all(&hello(version)).await.unwrap();
                let answer = record(&mut stream).await;
                seen.push(answer);
                if seen.len() == 1 {
                    continue;
                }
                return seen;
            }
        });
        let run = world.run(&["sync"]).await;
        assert_eq!(run.code, 1, "{run}");
        let seen = match server.is_finished() {
            true => server.await.unwrap(),
            false => {
                server.abort();
                panic!("it was not asked twice: {run}")
            }
        };
        for answer in seen {
            let (kind, alert) = answer.unwrap();
            assert_eq!((kind, alert.get(1)), (ALERT, Some(&PROTOCOL_VERSION)), "{alert:02x?}");
        }
    }
}
