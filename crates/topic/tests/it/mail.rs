//! Subscribers by mail, through an SMTP server on loopback.

use flow::Publish;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};
use topic::{MailTls, Smtp};

use crate::room::Room;

/// Speaks as much SMTP as taking one mail needs; what was said after DATA goes to `mails`.
async fn serve(stream: TcpStream, mails: mpsc::Sender<String>) {
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"220 example.com\r\n").await.unwrap();
    let (mut line, mut mail, mut data) = (String::new(), String::new(), false);
    while stream.read_line(&mut line).await.unwrap() > 0 {
        let answer = match line.trim_end() {
            "." if data => {
                data = false;
                mails.send(std::mem::take(&mut mail)).await.unwrap();
                "250 taken\r\n"
            }
            _ if data => {
                mail.push_str(&line);
                ""
            }
            "DATA" => {
                data = true;
                "354 go on\r\n"
            }
            "QUIT" => "221 bye\r\n",
            _ => "250 fine\r\n",
        };
        stream.get_mut().write_all(answer.as_bytes()).await.unwrap();
        line.clear();
    }
}

/// The mail's text, its soft line breaks undone.
fn plain(mail: &str) -> String {
    mail.replace("=\r\n", "").replace("=3D", "=")
}

#[tokio::test]
async fn a_mail_with_a_link_confirms_and_messages_follow() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sent, mut mails) = mpsc::channel(8);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, sent.clone()));
        }
    });
    let smtp = Smtp {
        host: "127.0.0.1".into(),
        port,
        credentials: None,
        from: "Alerts <alerts@example.com>".into(),
        tls: MailTls::None,
    };
    let room = Room::with(Some(smtp)).await;
    let topic = room.topics.ensure("news").await.unwrap();
    let input =
        [("TopicArn", topic.as_str()), ("Protocol", "email"), ("Endpoint", "me@example.com")];
    let answer = room.call("Subscribe", &input).await.unwrap();
    assert_eq!(answer.text("SubscriptionArn"), Some("pending confirmation"));
    let asked = plain(&mails.recv().await.unwrap());
    assert!(asked.contains("To: me@example.com"), "{asked}");
    assert!(asked.contains("Subscription Confirmation"), "{asked}");
    let token = asked.split("&Token=").nth(1).unwrap().split_whitespace().next().unwrap();
    room.call("ConfirmSubscription", &[("TopicArn", &topic), ("Token", token)]).await.unwrap();
    room.topics.publish(&topic, "d-1", Some("Hello"), "the text").await.unwrap();
    let mail = plain(&mails.recv().await.unwrap());
    assert!(mail.contains("Subject: Hello") && mail.contains("the text"), "{mail}");
    assert!(mail.contains("Action=Unsubscribe&SubscriptionArn="), "{mail}");
    room.close().await;
}

#[tokio::test]
async fn without_a_server_for_mail_the_protocol_is_refused_with_what_to_set() {
    let room = Room::open().await;
    let topic = room.topics.ensure("news").await.unwrap();
    let input =
        [("TopicArn", topic.as_str()), ("Protocol", "email"), ("Endpoint", "me@example.com")];
    let refused = room.call("Subscribe", &input).await.unwrap_err();
    assert!(refused.message.contains("smtp.host"), "{refused}");
    room.close().await;
}
