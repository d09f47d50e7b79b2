// A receiver of the hub's deliveries: HOOK_SECRET=whsec_… PORT=9000 node receiver.js
const crypto = require('node:crypto')
const http = require('node:http')

const secrets = (process.env.HOOK_SECRET ?? '').split(' ').filter(Boolean) // during a rotation both, with a space between
if (secrets.length === 0) throw new Error('HOOK_SECRET is not set')
const tolerance = 300 // seconds between the clocks

const hmac = (key, ...parts) => parts.reduce((h, part) => h.update(part), crypto.createHmac('sha256', key)).digest()
const same = (a, b) => a.length === b.length && crypto.timingSafeEqual(a, b)
const key = (secret) => (secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret))

// webhook-signature (Standard Webhooks): id, time and body.
function verify(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': time = '', 'webhook-signature': list } = headers
  if (!id || !list || !/^\d+$/.test(time)) return false
  if (Math.abs(Date.now() / 1000 - Number(time)) > tolerance) return false
  const given = list.split(' ').filter((entry) => entry.startsWith('v1,')).map((entry) => Buffer.from(entry.slice(3), 'base64'))
  return secrets.some((secret) => {
    const want = hmac(key(secret), `${id}.${time}.`, body)
    return given.some((signature) => same(signature, want))
  })
}

// X-Webhook-Signature: the body alone. During a rotation -Next is made with the new secret.
function verifyBody(headers, body) {
  const given = [headers['x-webhook-signature'], headers['x-webhook-signature-next']].filter(Boolean)
  return secrets.some((secret) => {
    const want = Buffer.from('sha256=' + hmac(secret, body).toString('hex'))
    return given.some((signature) => same(Buffer.from(signature), want))
  })
}

http.createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks) // the bytes as received
    const check = request.url === '/nchat' ? verifyBody : verify
    if (!check(request.headers, body)) return response.writeHead(401).end()
    const event = JSON.parse(body)
    console.log(event.id, event.event) // it can come twice, with the same id
    response.writeHead(204).end()
  })
}).listen(process.env.PORT, '127.0.0.1')
