// A receiver of the hub's deliveries: HOOK_SECRET=whsec_… PORT=9000 java Receiver.java

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Receiver {
    static final String[] SECRETS = System.getenv("HOOK_SECRET").trim().split(" +"); // during a rotation both, with a space between
    static final long TOLERANCE = 300; // seconds between the clocks

    static byte[] hmac(byte[] key, byte[]... parts) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        for (byte[] part : parts) mac.update(part);
        return mac.doFinal();
    }

    static byte[] key(String secret) {
        return secret.startsWith("whsec_") ? Base64.getDecoder().decode(secret.substring(6)) : bytes(secret);
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** webhook-signature (Standard Webhooks): id, time and body. */
    static boolean verify(Headers headers, byte[] body) throws Exception {
        String id = headers.getFirst("webhook-id");
        String time = headers.getFirst("webhook-timestamp");
        String list = headers.getFirst("webhook-signature");
        if (id == null || list == null || time == null || !time.matches("[0-9]{1,12}")) return false;
        if (Math.abs(Instant.now().getEpochSecond() - Long.parseLong(time)) > TOLERANCE) return false;
        for (String secret : SECRETS) {
            byte[] sum = hmac(key(secret), bytes(id + "." + time + "."), body);
            byte[] want = bytes("v1," + Base64.getEncoder().encodeToString(sum));
            for (String entry : list.split(" ")) {
                if (MessageDigest.isEqual(bytes(entry), want)) return true;
            }
        }
        return false;
    }

    /** X-Webhook-Signature: the body alone. During a rotation -Next is made with the new secret. */
    static boolean verifyBody(Headers headers, byte[] body) throws Exception {
        for (String secret : SECRETS) {
            byte[] want = bytes("sha256=" + HexFormat.of().formatHex(hmac(bytes(secret), body)));
            for (String name : new String[] {"X-Webhook-Signature", "X-Webhook-Signature-Next"}) {
                String given = headers.getFirst(name);
                if (given != null && MessageDigest.isEqual(bytes(given), want)) return true;
            }
        }
        return false;
    }

    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/", exchange -> {
            byte[] body = exchange.getRequestBody().readAllBytes(); // the bytes as received
            boolean accepted = false;
            try {
                boolean nchat = exchange.getRequestURI().getPath().equals("/nchat");
                accepted = nchat ? verifyBody(exchange.getRequestHeaders(), body) : verify(exchange.getRequestHeaders(), body);
            } catch (Exception e) {
                e.printStackTrace();
            }
            // It can come twice, with the same webhook-id.
            if (accepted) System.out.println(new String(body, StandardCharsets.UTF_8));
            exchange.sendResponseHeaders(accepted ? 204 : 401, -1);
            exchange.close();
        });
        server.start();
    }
}
