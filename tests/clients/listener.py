"""An HTTP endpoint of ours that subscribes to topics, as any user of SNS writes one."""

import base64
import http.server
import json
import threading
import urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

NOTIFICATION = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
CONFIRMATION = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
HASHES = {"1": hashes.SHA1, "2": hashes.SHA256}
FETCH_SECONDS_MAX = 10


def fetch(url):
    with urllib.request.urlopen(url, timeout=FETCH_SECONDS_MAX) as answer:
        return answer.read()


def verify(message):
    """Raises unless the message is signed by the certificate that it names."""
    certificate = x509.load_pem_x509_certificate(fetch(message["SigningCertURL"]))
    names = NOTIFICATION if message["Type"] == "Notification" else CONFIRMATION
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    certificate.public_key().verify(
        base64.b64decode(message["Signature"]), text.encode(), padding.PKCS1v15(),
        HASHES[message["SignatureVersion"]](),
    )


class Listener:
    """Takes messages at `url`; those that are not signed as SNS signs end up in `wrong`."""

    def __init__(self, confirm=True):
        self.messages, self.headers, self.confirmations, self.wrong = [], [], [], []
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    listener.take(json.loads(body), dict(self.headers), confirm)
                except Exception as error:  # whatever is wrong, the test shall tell it
                    listener.wrong.append(f"{error!r}: {body[:2000]!r}")
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/sns"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def take(self, message, headers, confirm):
        verify(message)
        assert headers["x-amz-sns-message-type"] == message["Type"]
        assert headers["x-amz-sns-message-id"] == message["MessageId"]
        assert headers["x-amz-sns-topic-arn"] == message["TopicArn"]
        if message["Type"] == "SubscriptionConfirmation":
            if confirm:
                fetch(message["SubscribeURL"])
            self.confirmations.append(message)
        else:
            self.headers.append(headers)
            self.messages.append(message)

    def alerts(self):
        """What the notifications say, for topics that carry alerts."""
        assert not self.wrong, self.wrong
        return [json.loads(message["Message"]) for message in self.messages]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
