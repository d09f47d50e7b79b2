# A receiver of the hub's deliveries: HOOK_SECRET=whsec_… PORT=9000 ruby receiver.rb
require "json"
require "openssl"
require "webrick"

SECRETS = ENV.fetch("HOOK_SECRET").split # during a rotation both, with a space between
abort "HOOK_SECRET is empty" if SECRETS.empty?
TOLERANCE = 300 # seconds between the clocks

def key(secret)
  secret.start_with?("whsec_") ? secret.delete_prefix("whsec_").unpack1("m") : secret
end

def same?(given, want)
  OpenSSL.secure_compare(given, want)
end

# webhook-signature (Standard Webhooks): id, time and body.
def verify(request, body)
  id, time, list = request["webhook-id"].to_s, request["webhook-timestamp"].to_s, request["webhook-signature"].to_s
  return false if id.empty? || !time.match?(/\A\d+\z/) || (Time.now.to_i - time.to_i).abs > TOLERANCE

  SECRETS.any? do |secret|
    want = "v1," + [OpenSSL::HMAC.digest("SHA256", key(secret), "#{id}.#{time}." + body)].pack("m0")
    list.split(" ").any? { |entry| same?(entry, want) }
  end
end

# X-Webhook-Signature: the body alone. During a rotation -Next is made with the new secret.
def verify_body(request, body)
  given = [request["x-webhook-signature"], request["x-webhook-signature-next"]].compact
  SECRETS.any? do |secret|
    want = "sha256=" + OpenSSL::HMAC.hexdigest("SHA256", secret, body)
    given.any? { |signature| same?(signature, want) }
  end
end

server = WEBrick::HTTPServer.new(BindAddress: "127.0.0.1", Port: ENV.fetch("PORT").to_i, AccessLog: [])
server.mount_proc("/") do |request, response|
  body = request.body.to_s.b # the bytes as received
  accepted = request.path == "/nchat" ? verify_body(request, body) : verify(request, body)
  if accepted
    event = JSON.parse(body)
    puts "#{event["id"]} #{event["event"]}" # it can come twice, with the same id
  end
  response.status = accepted ? 204 : 401
end
trap("TERM") { server.shutdown }
server.start
