// Seal a request for the workers: JWE compact, ECDH-ES+A256KW and A256GCM (RFC 7516, RFC 7518).
// Node's own crypto, no package. `jwk` is the content of request-<kid>.public.jwk.
import crypto from "node:crypto";

const b64 = (data) => Buffer.from(data).toString("base64url");
const sized = (text) => {
  const octets = Buffer.alloc(4 + text.length);
  octets.writeUInt32BE(text.length);
  octets.write(text, 4);
  return octets;
};

export function seal(plain, jwk) {
  const curve = jwk.crv === "X25519" ? ["x25519"] : ["ec", { namedCurve: jwk.crv }];
  const ephemeral = crypto.generateKeyPairSync(...curve);
  const secret = crypto.diffieHellman({
    privateKey: ephemeral.privateKey,
    publicKey: crypto.createPublicKey({ key: jwk, format: "jwk" }),
  });
  const alg = "ECDH-ES+A256KW";
  // Concat KDF (RFC 7518, section 4.6.2): round 1, Z, algorithm, no party infos, 256 bits.
  const info = [Buffer.from([0, 0, 0, 1]), secret, sized(alg), sized(""), sized("")];
  const bits = Buffer.from([0, 0, 1, 0]);
  const kek = crypto.createHash("sha256").update(Buffer.concat([...info, bits])).digest();

  const cek = crypto.randomBytes(32);
  const wrap = crypto.createCipheriv("id-aes256-wrap", kek, Buffer.alloc(8, 0xa6));
  const wrapped = Buffer.concat([wrap.update(cek), wrap.final()]);

  const epk = ephemeral.publicKey.export({ format: "jwk" });
  const header = b64(JSON.stringify({ alg, enc: "A256GCM", kid: jwk.kid, epk }));
  const iv = crypto.randomBytes(12);
  const gcm = crypto.createCipheriv("aes-256-gcm", cek, iv).setAAD(Buffer.from(header));
  const sealed = Buffer.concat([gcm.update(plain), gcm.final()]);
  return [header, b64(wrapped), b64(iv), b64(sealed), b64(gcm.getAuthTag())].join(".");
}
