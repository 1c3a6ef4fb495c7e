//! Tests which messages the stream accepts and refuses, however the bytes are split.

use super::*;

/// A message with this many bytes after its length.
fn message(kind: u8, bytes: u32) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend((bytes + 4).to_be_bytes());
    message.resize(message.len() + bytes as usize, 0);
    message
}

/// Feeds bytes in pieces of a given length, as a network may deliver them.
fn takes(gauge: &mut Gauge, bytes: &[u8], piece: usize) -> Result<(), String> {
    bytes.chunks(piece).try_for_each(|piece| gauge.take(piece))
}

#[test]
fn a_message_is_refused_by_what_it_announces_however_its_bytes_come() {
    let long = 128 * 1024;
    for piece in [1, 2, 4, 5, 6, 7, 4096] {
        let mut gauge = Gauge::new(Content::Messages);
        takes(&mut gauge, &message(b'R', 4), piece).unwrap();
        assert!(takes(&mut gauge, &message(b'E', long)[..5], piece).unwrap_err().contains("131072"));

        let mut gauge = Gauge::new(Content::Messages);
        takes(&mut gauge, &[message(b'R', 4), message(READY, 1)].concat(), piece).unwrap();
        takes(&mut gauge, &message(b'D', long), piece).unwrap();
        let huge = [b'D', 0x7f, 0xff, 0xff, 0xff];
        assert!(takes(&mut gauge, &huge, piece).unwrap_err().contains("192 MiB"));
    }
}

#[test]
fn many_small_ones_add_up_until_the_answer_is_at_its_end() {
    let mut gauge = Gauge::new(Content::Messages);
    let told = (0..20_000).find_map(|_| gauge.take(&message(b'S', 0)).err());
    assert!(told.is_some_and(|told| told.contains("before the login")));

    let mut gauge = Gauge::new(Content::Messages);
    gauge.take(&message(READY, 1)).unwrap();
    let row = message(b'D', 1024 * 1024);
    for _ in 0..3 {
        (0..150).for_each(|_| gauge.take(&row).unwrap());
        gauge.take(&message(READY, 1)).unwrap();
    }
    let rows = (0..300).find_map(|_| gauge.take(&row).err());
    assert!(rows.is_some_and(|told| told.contains("batch_size")));

    // Columns that are null take no bytes, but memory.
    let mut gauge = Gauge::new(Content::Messages);
    gauge.take(&message(READY, 1)).unwrap();
    let mut row = message(ROW, 2 + 4 * 10_000);
    row[5..7].copy_from_slice(&10_000_u16.to_be_bytes());
    let rows = (0..2_000).position(|_| takes(&mut gauge, &row, 3).is_err());
    assert!(rows.is_some_and(|rows| rows < 1_000), "{rows:?}");
}

/// A ParameterStatus message.
fn parameter(name: &str, value: &str) -> Vec<u8> {
    let text = format!("{name}\0{value}\0");
    let mut message = message(PARAMETER, u32::try_from(text.len()).unwrap());
    message[SHORT..].copy_from_slice(text.as_bytes());
    message
}

#[test]
fn a_server_that_names_ever_new_parameters_is_refused_and_one_that_repeats_them_is_not() {
    for piece in [1, 3, 7, 4096] {
        let mut gauge = Gauge::new(Content::Messages);
        let ready = message(READY, 1);
        gauge.take(&ready).unwrap();
        let told = (0..1_000).find_map(|n| {
            let named = [parameter(&format!("name_{n}"), "a"), ready.clone()].concat();
            takes(&mut gauge, &named, piece).err().map(|told| (n, told))
        });
        assert!(told.is_some_and(|(n, told)| n == PARAMETERS && told.contains("64 parameters")));
    }

    // Twice what one answer may have, in answers of 32 KiB.
    let mut gauge = Gauge::new(Content::Messages);
    gauge.take(&message(READY, 1)).unwrap();
    let value = "a".repeat(16 * 1024);
    let answer = [parameter("TimeZone", &value), parameter("application_name", &value), message(READY, 1)];
    let answer = answer.concat();
    (0..12 * 1024).for_each(|_| takes(&mut gauge, &answer, 8192).unwrap());

    let long = parameter("search_path", &"a".repeat(64 * 1024));
    assert!(gauge.take(&long[..SHORT]).unwrap_err().contains("ParameterStatus"));
}

#[test]
fn a_long_message_is_not_let_in_by_calling_itself_the_end_of_the_login() {
    for bytes in [2, 64 * 1024, 150 * 1024 * 1024_u32] {
        let head = [&[READY][..], &(bytes + 4).to_be_bytes()].concat();
        let mut gauge = Gauge::new(Content::Messages);
        assert!(gauge.take(&head).unwrap_err().contains("ready"), "{bytes}");
        let mut gauge = Gauge::new(Content::Messages);
        gauge.take(&message(READY, 1)).unwrap();
        assert!(gauge.take(&head).unwrap_err().contains("ready"), "{bytes}");
    }
}

#[test]
fn what_is_encrypted_is_measured_elsewhere_and_what_is_not_is_measured_from_its_first_byte() {
    let huge = [b'R', 0x7f, 0xff, 0xff, 0xff];
    assert!(Gauge::new(Content::Encrypted).take(&huge).is_ok());
    for (offer, is_refused) in [(b'S', false), (b'N', true)] {
        let mut gauge = Gauge::new(Content::Offer);
        gauge.take(&[offer]).unwrap();
        assert_eq!(gauge.take(&huge).is_err(), is_refused);
        let mut gauge = Gauge::new(Content::Offer);
        assert_eq!(gauge.take(&[&[offer], &huge[..]].concat()).is_err(), is_refused);
    }
}

/// Unsolicited messages belong to no answer; the shared budget they take would be held until the next statement.
#[tokio::test]
async fn what_comes_of_an_idle_connection_holds_no_room_once_it_is_read() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let budget = AnswerBudget::alone();
    let (mut server, ours) = tokio::io::duplex(64 * 1024);
    let mut measured = Measured::new(ours, Content::Messages, &ProtocolViolation::default(), &budget);
    let length = 3 * 1024 * 1024;
    let notice = message(b'N', length);
    let ready = message(READY, 1);
    let mut first = vec![0; ready.len()];
    server.write_all(&ready).await.unwrap();
    measured.read_exact(&mut first).await.unwrap();
    for is_idle in [true, false] {
        if !is_idle {
            budget.sent();
        }
        let notices = [notice.clone(), notice.clone(), ready.clone()].concat();
        let all = notices.len() - ready.len();
        let sending = async {
            server.write_all(&notices[..all]).await.unwrap();
        };
        let mut read = vec![0; all];
        let (_, taken) = tokio::join!(sending, measured.read_exact(&mut read));
        taken.unwrap();
        assert!(budget.shared() > 0, "the last of them was just read");
        server.write_all(&notices[all..]).await.unwrap();
        measured.read_exact(&mut first).await.unwrap();
        assert_eq!(budget.shared() > 0, !is_idle);
    }
    budget.answered();
    assert_eq!(budget.shared(), 0);
}
