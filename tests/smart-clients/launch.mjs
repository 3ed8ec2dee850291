// A SMART app of fhirclient for JavaScript: launched by an EHR, it answers with what it then reads.
import http from "node:http";
import smart from "fhirclient";

const [port, clientId, scope, privateKey] = process.argv.slice(2);
const redirectUri = `http://127.0.0.1:${port}/callback`;
const kept = new Map();
const storage = {
  get: async (key) => kept.get(key),
  set: async (key, value) => (kept.set(key, value), value),
  unset: async (key) => kept.delete(key),
};

async function read(client) {
  const patient = await client.patient.read();
  const user = await client.user.read();
  const first = client.state.tokenResponse.access_token;
  if (!privateKey) await client.refresh(); // it sends no client_assertion with a refresh token
  const again = await client.request(`Patient/${patient.id}`);
  return {
    patient: patient.id,
    encounter: client.encounter.id,
    user: `${user.resourceType}/${user.id}`,
    again: again.id,
    renewed: client.state.tokenResponse.access_token !== first,
  };
}

const server = http.createServer(async (request, response) => {
  const app = smart(request, response, storage);
  try {
    if (request.url.startsWith("/launch")) {
      const key = privateKey && JSON.parse(privateKey);
      await app.authorize({ clientId, scope, redirectUri, pkceMode: "required", clientPrivateJwk: key || undefined });
    } else {
      response.end(JSON.stringify(await read(await app.ready())));
    }
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error));
  }
});
server.listen(Number(port), "127.0.0.1", () => console.log("listening"));
