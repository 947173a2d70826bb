// The MCP conformance suite needs Node.js 22 for one function that its client scenarios do not
// call. On Node.js 20 this adds it, so that the suite loads:
//
//     node --import ./node20.mjs ...

import * as fs from 'node:fs';
import { register } from 'node:module';

const source = (text) => `data:text/javascript,${encodeURIComponent(text)}`;

if (!fs.globSync) {
  const withGlob = source(`
    export * from 'node:fs';
    export { default } from 'node:fs';
    export function globSync() { throw new Error('globSync needs Node.js 22'); }`);
  register(source(`
    export const resolve = (name, context, next) => name === 'fs'
      ? { url: ${JSON.stringify(withGlob)}, shortCircuit: true }
      : next(name, context);`));
}
