// The command that the MCP conformance suite runs as the client under test. It passes the URL of
// the MCP server, the protocol version and the context of the scenario to the test, and ends with the status that the
// test answers.
//
//     node client.mjs PORT URL

import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

const [port, url] = process.argv.slice(2);
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const version = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION;
const socket = connect(Number(port), '127.0.0.1');
await once(socket, 'connect');
socket.end(JSON.stringify({ url, context, version }));
process.exitCode = Number(await text(socket));
