# A receiver of the hub's deliveries: HOOK_SECRET=whsec_… PORT=9000 python3 receiver.py
import base64, hashlib, hmac, json, os, re, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

secrets = os.environ["HOOK_SECRET"].split()  # during a rotation both, with a space between
assert secrets, "HOOK_SECRET is empty"
TOLERANCE = 300  # seconds between the clocks


def key(secret):
    return base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()


def verify(headers, body):
    """webhook-signature (Standard Webhooks): id, time and body."""
    id, stamp, entries = (headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature"))
    if not id or not re.fullmatch("[0-9]{1,12}", stamp) or abs(time.time() - int(stamp)) > TOLERANCE:
        return False
    for secret in secrets:
        want = b"v1," + base64.b64encode(hmac.digest(key(secret), f"{id}.{stamp}.".encode() + body, hashlib.sha256))
        if any(hmac.compare_digest(entry.encode(), want) for entry in entries.split(" ")):
            return True
    return False


def verify_body(headers, body):
    """X-Webhook-Signature: the body alone. During a rotation -Next is made with the new secret."""
    given = [headers.get(name, "") for name in ("X-Webhook-Signature", "X-Webhook-Signature-Next")]
    for secret in secrets:
        want = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        if any(hmac.compare_digest(signature.encode(), want.encode()) for signature in given):
            return True
    return False


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))  # the bytes as received
        accepted = (verify_body if self.path == "/nchat" else verify)(self.headers, body)
        if accepted:
            event = json.loads(body)
            print(event["id"], event["event"])  # it can come twice, with the same id
        self.send_response(204 if accepted else 401)
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever()
