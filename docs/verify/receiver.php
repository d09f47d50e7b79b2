<?php
// A receiver of the hub's deliveries: HOOK_SECRET=whsec_… php -S 127.0.0.1:9000 receiver.php

const TOLERANCE = 300; // seconds between the clocks

function secrets(): array // during a rotation both, with a space between
{
    return preg_split('/ /', (string) getenv('HOOK_SECRET'), -1, PREG_SPLIT_NO_EMPTY);
}

function key_of(string $secret): string
{
    return str_starts_with($secret, 'whsec_') ? base64_decode(substr($secret, 6)) : $secret;
}

// webhook-signature (Standard Webhooks): id, time and body.
function verify(string $body): bool
{
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $time = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if ($id === '' || !preg_match('/\A[0-9]+\z/', $time) || abs(time() - (int) $time) > TOLERANCE) {
        return false;
    }
    foreach (secrets() as $secret) {
        $want = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$time.$body", key_of($secret), true));
        foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $entry) {
            if (hash_equals($want, $entry)) {
                return true;
            }
        }
    }
    return false;
}

// X-Webhook-Signature: the body alone. During a rotation -Next is made with the new secret.
function verify_body(string $body): bool
{
    foreach (secrets() as $secret) {
        $want = 'sha256=' . hash_hmac('sha256', $body, $secret);
        foreach (['HTTP_X_WEBHOOK_SIGNATURE', 'HTTP_X_WEBHOOK_SIGNATURE_NEXT'] as $name) {
            if (hash_equals($want, $_SERVER[$name] ?? '')) {
                return true;
            }
        }
    }
    return false;
}

$body = file_get_contents('php://input'); // the bytes as received
$accepted = $_SERVER['REQUEST_URI'] === '/nchat' ? verify_body($body) : verify($body);
if ($accepted) {
    $event = json_decode($body, true);
    error_log("{$event['id']} {$event['event']}"); // it can come twice, with the same id
}
http_response_code($accepted ? 204 : 401);
